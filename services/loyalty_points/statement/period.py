"""A period of an account: what there was before, what came and went, and what was left at its end. Pure; whole points.

What there is are the points that can be spent, those that cannot be yet and those put by, less what is owed. A period
has local days, both included; it ends now where its last day is not over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from contracts.loyalty_points import PointsAwarded
from services.loyalty_points.domain import ReceiptNoted
from services.loyalty_points.domain.foresight import with_lapses
from services.loyalty_points.domain.hindsight import Figure, Hindsight, Posting
from services.loyalty_points.domain.known import Known
from services.loyalty_points.domain.lots import Lot
from services.loyalty_points.domain.passing import seen as seen_by
from services.loyalty_points.explaining import receipts_of
from services.loyalty_points.lifetime import start_of_day

SIGNS = {"earned": 1, "forgiven": 1, "redeemed": -1, "expired": -1, "taken_back": -1, "merged": 1, "split": 1}
MOMENT = timedelta(microseconds=1)

_LEFT: tuple[Figure, ...] = ("available", "pending", "reserved", "debt")


@dataclass(frozen=True)
class Line:
    """Points that came or went at once. `number` is that of the receipt; expired lots of several branches have none."""

    at: datetime
    kind: str
    points: int
    after: int
    branch: str | None = None
    number: str | None = None


@dataclass(frozen=True)
class Statement:
    """What a customer is told of a period; `left` is the closing sum by figure, `lots` what there still is of which."""

    first_on: date
    last_on: date
    zone: str
    ends_at: datetime
    opening: int
    sums: Mapping[str, int]
    lines: tuple[Line, ...]
    left: Mapping[str, int]
    lots: tuple[tuple[Lot, int], ...]

    @property
    def closing(self) -> int:
        """Return what there is in the end."""
        return self.opening + sum(self.sums.values())


def zone_of(told: Sequence[Known]) -> str:
    """Return the zone of the branch that she was at last, which is whose days a statement has."""
    noted = [known.event for known in told if isinstance(known.event, ReceiptNoted)]
    return max(noted, key=lambda receipt: receipt.at).zone if noted else "UTC"


def statement(
    told: Sequence[Known], first_on: date, last_on: date, now: datetime, who: UUID | None = None
) -> Statement:
    """Return the statement of a period, by all that is known."""
    zone = zone_of(told)
    begins_at = start_of_day(first_on, zone) - MOMENT
    ends_at = min(start_of_day(last_on + timedelta(days=1), zone) - MOMENT, now)
    seen = seen_by(with_lapses(told, ends_at, who), who)
    changes = [(kind, one) for kind, one in seen.changes() if one.at <= ends_at]
    opening = sum(SIGNS[kind] * one.points for kind, one in changes if one.at <= begins_at)
    within = [(kind, one) for kind, one in changes if one.at > begins_at]
    return Statement(
        first_on,
        last_on,
        zone,
        ends_at,
        opening,
        {kind: sum(sign * one.points for of, one in within if of == kind) for kind, sign in SIGNS.items()},
        tuple(_lines(within, opening, seen, receipts_of(told))),
        {figure: seen.figure(figure, ends_at) for figure in _LEFT},
        tuple(seen.left(ends_at)),
    )


def _lines(
    within: Sequence[tuple[str, Posting]], there_is: int, seen: Hindsight, receipts: Mapping[UUID, ReceiptNoted]
) -> list[Line]:
    """Return a line for each entry, and one for all that expired at an instant; nothing for what comes to nothing."""
    together: dict[tuple[datetime, str, int], list[Posting]] = {}
    for kind, one in sorted(within, key=lambda pair: (pair[1].at, list(SIGNS).index(pair[0]))):
        entry = 0 if kind == "expired" else id(one.known)
        together.setdefault((one.at, kind, entry), []).append(one)
    lines = []
    for (at, kind, _), postings in together.items():
        if points := SIGNS[kind] * sum(one.points for one in postings):
            there_is += points
            lines.append(Line(at, _named(kind, postings), points, there_is, *_where(kind, postings, seen, receipts)))
    return lines


def _named(kind: str, postings: Sequence[Posting]) -> str:
    """Return what a line is called: what an act earned is no purchase."""
    return "awarded" if isinstance(postings[0].known.event, PointsAwarded) and kind == "earned" else kind


def _where(
    kind: str, postings: Sequence[Posting], seen: Hindsight, receipts: Mapping[UUID, ReceiptNoted]
) -> tuple[str | None, str | None]:
    """Return branch and receipt number."""
    event = postings[0].known.event
    if kind == "expired":
        branches = {seen.lots[one.lot_id].branch for one in postings if one.lot_id}
        return branches.pop() if len(branches) == 1 else None, None
    noted = receipts.get(getattr(event, "sale_id", UUID(int=0)))
    return getattr(event, "branch", None), noted.number if noted else getattr(event, "number", None)
