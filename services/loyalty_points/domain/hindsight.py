"""An account as it stood at any instant, by when things happened, from all that is known of it. Pure; whole points.

An entry happened at its `at`, or when it was booked where that is earlier: a till's clock may be ahead. What it does to
a lot counts from when both had happened; what settles a debt, from when that was owed, the first to be booked first. So
a refund of Tuesday that was booked on Thursday against points of Wednesday is owed on Tuesday and settled on Wednesday;
and where points were held on that Tuesday which it took when they were free again, it is owed until then.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args
from uuid import UUID

from contracts.loyalty_points import (
    DebtForgiven,
    LotPoints,
    PointsRedeemed,
    PointsSpentOffline,
    PointsTakenBack,
    RedemptionReversed,
)
from services.loyalty_points.domain.events import AccountTakenIn
from services.loyalty_points.domain.folding import Moving
from services.loyalty_points.domain.known import Known, happened_at
from services.loyalty_points.domain.lots import Gain, Lot, Movement, lot_of, movements, new_lot

Figure: TypeAlias = Literal[
    "available",
    "pending",
    "reserved",
    "debt",
    "earned",
    "taken_back",
    "redeemed",
    "expired",
    "forgiven",
    "next_expiry",
]
FIGURES: tuple[Figure, ...] = get_args(Figure)


@dataclass(frozen=True)
class Posting:
    """Points more, or less, from an instant on: by which entry, and of which lot or hold.

    `moved_by` is the merge or split by which they came or went; then `known` is what they came about by.
    """

    at: datetime
    points: int
    known: Known
    lot_id: UUID | None = None
    hold_id: UUID | None = None
    moved_by: Known | None = None


class Hindsight:
    """The postings of an account; what they amount to at an instant is asked with it."""

    def __init__(self, told: Iterable[Known] = ()) -> None:
        self.lots: dict[UUID, Lot] = {}
        self.earnings: dict[UUID, Known] = {}
        self.on_lots: dict[UUID, list[Posting]] = defaultdict(list)
        self.by_figure: dict[str, list[Posting]] = defaultdict(list)
        self.owed: deque[tuple[datetime, int]] = deque()
        self.debt = 0
        self.passed: list[tuple[str, Posting]] = []
        self.merged_at: dict[UUID, datetime] = {}
        for known in told:
            self.enter(known)

    def enter(self, known: Known) -> None:
        """Post what an entry says; what is sold under an id that was given up is hers from that merge on."""
        if isinstance(known.event, Moving):
            at, origin = happened_at(known.event), getattr(known.event, "origin", None)
            self._enter(known.event, max(at, self.merged_at.get(origin, at)) if origin else at, known)

    def parts(self, figure: str, at: datetime) -> list[Posting]:
        """Return the postings that make a figure at an instant; their points add up to it."""
        match figure:
            case "available" | "pending" | "expired":
                return [one for lot_id in self._in(figure, at) for one in self._until(lot_id, at)]
            case "next_expiry":
                soonest = self.next_expiry(at)
                over = [lot for lot, _ in self.left(at) if soonest and lot.expires_at == soonest]
                return [one for lot in over for one in self._until(lot.lot_id, at)]
            case "reserved":
                return list(_open(one for one in self.by_figure[figure] if one.at <= at))
            case "debt":
                return [*(one for one in self.by_figure[figure] if one.at <= at), *self._short(at)]
        return [one for one in self.by_figure[figure] if one.at <= at]

    def figure(self, figure: str, at: datetime) -> int:
        """Return a figure of FIGURES at an instant."""
        return sum(part.points for part in self.parts(figure, at))

    def next_expiry(self, at: datetime) -> datetime | None:
        """Return when the next of what is available or pending will be over."""
        return min((lot.expires_at for lot, _ in self.left(at) if lot.expires_at), default=None)

    def left(self, at: datetime) -> list[tuple[Lot, int]]:
        """Return the lots with something available or pending, the soonest to be over first, and how much."""
        some = [(self.lots[i], self._rest(i, at)) for f in ("available", "pending") for i in self._in(f, at)]
        return sorted(some, key=lambda one: (one[0].expires_at is None, one[0].expires_at or at, one[0].earned_at))

    def changes(self) -> Iterator[tuple[str, Posting]]:
        """Yield all that ever changes what there is (available, pending, held, less what is owed), with its figure."""
        yield from self.passed
        for figure in ("earned", "taken_back", "redeemed", "forgiven"):
            yield from ((figure, one) for one in self.by_figure[figure] if not one.moved_by)
        for lot_id, lot in self.lots.items():
            if over_at := lot.expires_at:
                yield from (_over(one, over_at) for one in self.on_lots[lot_id])

    def _enter(self, event: Moving, at: datetime, known: Known) -> None:
        if isinstance(event, Gain):
            own = lot_of(event)
            self.lots[own], self.earnings[own] = new_lot(event, own), known
            self._post(Posting(at, event.points, known, own), "earned")
        moved = _movements(event)
        self._incur(event, at, sum(one.repaid for one in moved), known)
        for one in moved:
            self._move(event, one, at, known)
        self._count(event, at, known)

    def _incur(self, event: Moving, at: datetime, repaid: int, known: Known) -> None:
        """Post what was not owed before; what is forgiven or repaid is not what was incurred."""
        forgiven = event.points if isinstance(event, DebtForgiven) else 0
        if incurred := event.debt - self.debt + repaid + forgiven:
            self.owed.append((at, incurred))
            self.by_figure["debt"].append(Posting(at, incurred, known))
        self.debt = event.debt

    def _move(self, event: Moving, moved: Movement, at: datetime, known: Known) -> None:
        lot_id, since = moved.lot_id, max(at, self.on_lots[moved.lot_id][0].at)
        for settled_at, points in self.settled(since, moved.repaid):
            self._post(Posting(settled_at, -points, known, lot_id), "debt")
        if moved.drawn:
            self._post(Posting(since, -moved.drawn, known, lot_id))
            if hold_id := getattr(event, "hold_id", None):
                self.by_figure["reserved"].append(Posting(since, moved.drawn, known, lot_id, hold_id))
        if moved.taken_back:
            self._post(Posting(since, -moved.taken_back, known, lot_id))
            if since > at:  # the lot was not there yet: owed until it was
                self.by_figure["debt"].append(Posting(at, moved.taken_back, known, lot_id))
                self.by_figure["debt"].append(Posting(since, -moved.taken_back, known, lot_id))

    def _count(self, event: Moving, at: datetime, known: Known) -> None:
        match event:
            case PointsTakenBack(points=points, corrected=corrected):
                self.by_figure["taken_back"].append(Posting(at, points - corrected, known))
                if corrected:
                    self.by_figure["earned"].append(Posting(at, -corrected, known))
            case DebtForgiven(points=points):
                for settled_at, some in self.settled(at, points):
                    self.by_figure["forgiven"].append(Posting(settled_at, some, known))
                    self.by_figure["debt"].append(Posting(settled_at, -some, known))
            case PointsRedeemed() | RedemptionReversed() | PointsSpentOffline():
                self._count_spent(event, at, known)

    def _count_spent(
        self, event: PointsRedeemed | RedemptionReversed | PointsSpentOffline, at: datetime, known: Known
    ) -> None:
        match event:
            case PointsRedeemed(lots=lots, hold_id=hold_id):
                self._spend(lots, at, known, hold_id)
            case RedemptionReversed(lots=lots):
                for part in lots:
                    since = max(at, self.on_lots[part.lot_id][0].at)
                    self.by_figure["redeemed"].append(Posting(since, -part.points, known, part.lot_id))
            case PointsSpentOffline(allowances=uses, lots=lots, from_expired=gone, owed=owed):
                for use in uses:
                    self._spend(use.lots, at, known, use.hold_id)
                self._spend((*lots, *gone), at, known)
                if owed:
                    self.by_figure["redeemed"].append(Posting(at, owed, known))

    def _spend(self, lots: Iterable[LotPoints], at: datetime, known: Known, hold_id: UUID | None = None) -> None:
        for part in lots:
            since = max(at, self.on_lots[part.lot_id][0].at)
            self.by_figure["redeemed"].append(Posting(since, part.points, known, part.lot_id))
            if hold_id:
                self.by_figure["reserved"].append(Posting(since, -part.points, known, part.lot_id, hold_id))

    def settled(self, at: datetime, points: int) -> Iterator[tuple[datetime, int]]:
        """Yield what a repayment settles of the debts, the first to be booked first, and from when on."""
        while points:
            owed_at, owed = self.owed.popleft()
            if (some := min(owed, points)) < owed:
                self.owed.appendleft((owed_at, owed - some))
            points -= some
            yield max(at, owed_at), some

    def _post(self, posting: Posting, figure: str = "") -> None:
        """Post to the lot, and to a figure beside it."""
        assert posting.lot_id
        self.on_lots[posting.lot_id].append(posting)
        if figure:
            self.by_figure[figure].append(posting)

    def _until(self, lot_id: UUID, at: datetime) -> list[Posting]:
        return [one for one in self.on_lots[lot_id] if one.at <= at]

    def _rest(self, lot_id: UUID, at: datetime) -> int:
        return sum(one.points for one in self._until(lot_id, at))

    def _in(self, figure: str, at: datetime) -> list[UUID]:
        """Return the lots of which something is available, pending or expired at an instant."""
        return [i for i, lot in self.lots.items() if _stage(lot, at) == figure and self._rest(i, at) > 0]

    def _short(self, at: datetime) -> Iterator[Posting]:
        """Yield what makes lots give more than they had then: that was owed."""
        for lot_id in self.lots:
            if self._rest(lot_id, at) < 0:
                for one in self._until(lot_id, at):
                    yield Posting(one.at, -one.points, one.known, lot_id)


def _over(one: Posting, over_at: datetime) -> tuple[str, Posting]:
    """Return what time takes of a posting to a lot; of one that was over when it was passed on it went with it."""
    if one.moved_by and over_at <= one.at:
        kind = "merged" if isinstance(one.moved_by.event, AccountTakenIn) else "split"
        return kind, Posting(one.at, -one.points, one.moved_by, one.lot_id)
    return "expired", Posting(max(one.at, over_at), one.points, one.known, one.lot_id)


def _movements(event: Moving) -> list[Movement]:
    """Return what an entry does to lots, its own among them."""
    moved = list(movements(event))
    if isinstance(event, Gain) and event.repaid:
        moved.append(Movement(lot_of(event), repaid=event.repaid))
    return moved


def _stage(lot: Lot, at: datetime) -> str:
    if lot.expires_at and lot.expires_at <= at:
        return "expired"
    return "pending" if lot.is_pending(at) else "available"


def _open(postings: Iterable[Posting]) -> Iterator[Posting]:
    """Yield those of holds that are not over."""
    by_hold: dict[UUID | None, list[Posting]] = defaultdict(list)
    for one in postings:
        by_hold[one.hold_id].append(one)
    for of_one in by_hold.values():
        if sum(one.points for one in of_one):
            yield from of_one
