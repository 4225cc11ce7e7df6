"""Lots: what each earning left to be spent, what entries do to it, and in which order lots are drawn on. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID, uuid5

from contracts.loyalty_points import (
    HoldReleased,
    LotPoints,
    PointsAwarded,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsMerged,
    PointsRedeemed,
    PointsSpentOffline,
    PointsTakenBack,
    RedemptionReversed,
)
from shared.message import Event

Gain: TypeAlias = PointsEarned | PointsAwarded

NEVER = datetime.max.replace(tzinfo=UTC)
_LOTS = UUID("5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a01")


def lot_id(customer_id: UUID, source: str) -> UUID:
    """Return the id of the lot that a source made for a customer: the same for ever, so that it earns once."""
    return uuid5(_LOTS, f"{customer_id}/{source}")


def is_alive(expires_at: datetime | None, at: datetime) -> bool:
    """Return whether points that expire then can still be spent; None is never."""
    return expires_at is None or at < expires_at


@dataclass(frozen=True)
class Lot:
    """What one earning gave. `drawn` is held or spent, `repaid` settled a debt when it was earned or came back.

    `origin` is whom it was given to, where that was another id than the one whose it is. `stayed` is how often a split
    divided it, so that this is what stayed of it with who had drawn on it; where parts come together again the nearest
    to the earning says whose it was.
    """

    lot_id: UUID
    branch: str
    on: date
    earned_at: datetime
    active_from: datetime | None
    expires_at: datetime | None
    points: int
    repaid: int = 0
    drawn: int = 0
    taken_back: int = 0
    expired: int = 0
    origin: UUID | None = None
    stayed: int = 0

    @property
    def rest(self) -> int:
        """Return what is left of it."""
        return self.points - self.repaid - self.drawn - self.taken_back - self.expired

    def is_pending(self, at: datetime) -> bool:
        """Return whether it cannot be spent yet."""
        return self.active_from is not None and at < self.active_from

    def part(self, points: int) -> LotPoints:
        """Return so many of its points as an entry names them."""
        return LotPoints(
            lot_id=self.lot_id,
            points=points,
            branch=self.branch,
            on=self.on,
            active_from=self.active_from,
            expires_at=self.expires_at,
        )


class Movement(NamedTuple):
    """What an entry adds to the columns of a lot."""

    lot_id: UUID
    repaid: int = 0
    drawn: int = 0
    taken_back: int = 0
    expired: int = 0


def movements(event: Event) -> Iterator[Movement]:
    """Yield what an entry does to lots that were there before."""
    match event:
        case PointsTakenBack(lots=lots, lot_id=own, from_expired=gone):
            yield from (Movement(part.lot_id, taken_back=part.points) for part in lots)
            if own and gone:
                yield Movement(own, taken_back=gone, expired=-gone)
        case PointsHeld(lots=lots) | PointsRedeemed(lots=lots, hold_id=None):
            yield from (Movement(part.lot_id, drawn=part.points) for part in lots)
        case (
            HoldReleased(lots=back, repaid=repaid)
            | PointsRedeemed(returned=back, repaid=repaid)
            | RedemptionReversed(lots=back, repaid=repaid)
        ):
            yield from (Movement(part.lot_id, drawn=-part.points) for part in back)
            yield from (Movement(part.lot_id, repaid=part.points) for part in repaid)
        case PointsSpentOffline(lots=lots, from_expired=gone_with):
            yield from (Movement(part.lot_id, drawn=part.points) for part in lots)
            yield from (Movement(part.lot_id, drawn=part.points, expired=-part.points) for part in gone_with)
        case PointsMerged(repaid=repaid):
            yield from (Movement(part.lot_id, repaid=part.points) for part in repaid)
        case PointsExpired(lots=lots):
            yield from (Movement(part.lot_id, expired=part.points) for part in lots)


def lot_of(event: Gain) -> UUID:
    """Return the id of the lot that an earning made; the first ones that were told name their sale alone."""
    return event.lot_id or (event.sale_id if isinstance(event, PointsEarned) else event.lot_id)


def new_lot(event: Gain, own: UUID) -> Lot:
    """Return the lot of an earning."""
    return Lot(
        lot_id=own,
        branch=event.branch,
        on=event.on,
        earned_at=event.at,
        active_from=event.active_from,
        expires_at=event.expires_at,
        points=event.points,
        repaid=event.repaid,
        origin=event.origin,
    )


def drawable(lots: Iterable[Lot], at: datetime) -> list[Lot]:
    """Return the lots with something alive in them: active ones first, soonest expiry, earliest earned, then id."""
    alive = (lot for lot in lots if lot.rest > 0 and is_alive(lot.expires_at, at))
    return sorted(alive, key=lambda lot: _order(lot, at))


def _order(lot: Lot, at: datetime) -> tuple[bool, datetime, datetime, UUID]:
    return lot.is_pending(at), lot.expires_at or NEVER, lot.earned_at, lot.lot_id


def drawable_since(lots: Iterable[Lot], since: datetime, at: datetime) -> list[Lot]:
    """Return the lots that something is left or has expired of and that lived then or came since, in that order."""
    lived = (lot for lot in lots if lot.rest + lot.expired > 0 and is_alive(lot.expires_at, since))
    return sorted(lived, key=lambda lot: _order(lot, at))


def draw(lots: Iterable[Lot], wanted: int) -> tuple[LotPoints, ...]:
    """Return what the lots give, in their order; less than is wanted when they have less."""
    parts = []
    for lot in lots:
        if wanted == 0:
            break
        given = min(lot.rest, wanted)
        parts.append(lot.part(given))
        wanted -= given
    return tuple(parts)


def split(parts: Sequence[LotPoints], points: int) -> tuple[tuple[LotPoints, ...], tuple[LotPoints, ...]]:
    """Return the first so many points of the parts, and the others."""
    first, others = [], []
    for part in parts:
        given = min(points, part.points)
        points -= given
        if given:
            first.append(part.model_copy(update={"points": given}))
        if given < part.points:
            others.append(part.model_copy(update={"points": part.points - given}))
    return tuple(first), tuple(others)


def repaying(parts: Iterable[LotPoints], debt: int, at: datetime) -> tuple[LotPoints, ...]:
    """Return what of the points that come back at an instant settles a debt; what has expired by then cannot."""
    return split([part for part in parts if is_alive(part.expires_at, at)], debt)[0]


def total(parts: Iterable[LotPoints]) -> int:
    """Return the points of all parts."""
    return sum(part.points for part in parts)
