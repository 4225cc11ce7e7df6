"""Points are put by, spent, or given back: a hold ends exactly once, captured, released or lapsed. Pure."""

from datetime import datetime
from uuid import UUID

from contracts.loyalty_points import HoldReleased, LotPoints, PointsHeld, PointsRedeemed, Release
from services.loyalty_points.domain.lots import draw, drawable, repaying, split, total
from services.loyalty_points.domain.page import KnownHold, Ledger, Page, checked
from shared.errors import Rejected
from shared.message import Command, Instant

MOST_HOLDS = 20
CAPTURED, RELEASED, LAPSED = "captured", Release.RELEASED.value, Release.LAPSED.value


class HoldPoints(Command):
    """Put points by until an instant."""

    customer_id: UUID
    hold_id: UUID
    points: int
    until: Instant
    ledger: Ledger | None = None  # brought by guards.gather, here and below


class CapturePoints(Command):
    """Spend held points, at most all of them; the rest goes back."""

    customer_id: UUID
    hold_id: UUID
    points: int
    branch: str | None = None
    ledger: Ledger | None = None


class ReleaseHold(Command):
    """Give held points back."""

    customer_id: UUID
    hold_id: UUID
    ledger: Ledger | None = None


class LapseHold(Command):
    """A hold's time is over."""

    customer_id: UUID
    hold_id: UUID
    ledger: Ledger | None = None


class RedeemPoints(Command):
    """Spend points at the desk: hold and capture at once."""

    customer_id: UUID
    redemption_id: UUID
    points: int
    branch: str | None = None
    ledger: Ledger | None = None


def lapse(page: Page) -> None:
    """Give back what is held beyond its time, each as of that time; every command does so before anything else."""
    over = ((h.until, h.hold_id, h) for h in page.holds.values() if h.until and h.until <= page.now and not h.ended)
    for until, _, held in sorted(over, key=lambda one: one[:2]):
        _give_back(held, Release.LAPSED, until, until, page)


def hold(command: HoldPoints, page: Page) -> None:
    """Put points by; the same again says nothing."""
    known = page.holds.get(command.hold_id)
    if known:
        if known.until and (known.points, known.until - known.held_at) == (command.points, command.until - command.at):
            return
        raise Rejected("hold-differs", hold_id=command.hold_id)
    points = checked(command.points)
    if command.until <= page.now:
        raise Rejected("hold-over", until=command.until.isoformat())
    if sum(one.until > page.now for one in page.account.holds) >= MOST_HOLDS:
        raise Rejected("too-many-holds", most=MOST_HOLDS)
    page.tell(
        PointsHeld(
            at=command.at,
            customer_id=command.customer_id,
            hold_id=command.hold_id,
            points=points,
            until=command.until,
            lots=_drawn(points, page),
            balance=0,
            debt=page.account.debt,
        )
    )


def capture(command: CapturePoints, page: Page) -> None:
    """Spend what is held, soonest expiry first; the same again says nothing."""
    points = checked(command.points)
    known = _known(command.hold_id, page)
    if known.ended == CAPTURED and known.captured == points:
        return
    _still_open(known, page)
    if points > known.points:
        raise Rejected("more-than-held", held=known.points, asked=points)
    spent, returned = split(known.lots, points)
    repaid = repaying(returned, page.account.debt, page.now)
    page.tell(
        PointsRedeemed(
            at=command.at,
            customer_id=command.customer_id,
            redemption_id=command.hold_id,
            branch=command.branch,
            hold_id=command.hold_id,
            points=points,
            lots=spent,
            returned=returned,
            repaid=repaid,
            balance=0,
            debt=page.account.debt - total(repaid),
        )
    )


def release(command: ReleaseHold, page: Page) -> None:
    """Give held points back; the same again says nothing."""
    known = _known(command.hold_id, page)
    if known.ended != RELEASED:
        _still_open(known, page)
        _give_back(known, Release.RELEASED, command.at, page.now, page)


def redeem(command: RedeemPoints, page: Page) -> None:
    """Spend points at once; the same again says nothing."""
    points = checked(command.points)
    if known := page.holds.get(command.redemption_id):
        if known.until is None and known.captured == points:
            return
        raise Rejected("redemption-differs", redemption_id=command.redemption_id)
    page.tell(
        PointsRedeemed(
            at=command.at,
            customer_id=command.customer_id,
            redemption_id=command.redemption_id,
            branch=command.branch,
            points=points,
            lots=_drawn(points, page),
            balance=0,
            debt=page.account.debt,
        )
    )


def _known(hold_id: UUID, page: Page) -> KnownHold:
    known = page.holds.get(hold_id)
    if known is None or known.until is None:
        raise Rejected("hold-unknown", hold_id=hold_id)
    return known


def _still_open(known: KnownHold, page: Page) -> None:
    if known.ended:
        raise Rejected("hold-ended", how=known.ended)
    if known.until and known.until <= page.now:
        raise Rejected("hold-ended", how=LAPSED)


def _drawn(points: int, page: Page) -> tuple[LotPoints, ...]:
    """Return points of the lots that can be spent now; refuse when those very lots have less."""
    active = [lot for lot in drawable(page.lots.values(), page.now) if not lot.is_pending(page.now)]
    parts = draw(active, points)
    if total(parts) < points:
        raise Rejected("not-enough-points", available=page.account.available(page.now), asked=points)
    return parts


def _give_back(held: KnownHold, why: Release, at: datetime, counted_at: datetime, page: Page) -> None:
    repaid = repaying(held.lots, page.account.debt, counted_at)
    page.tell(
        HoldReleased(
            at=at,
            customer_id=page.customer_id,
            hold_id=held.hold_id,
            points=held.points,
            why=why,
            lots=held.lots,
            repaid=repaid,
            balance=0,
            debt=page.account.debt - total(repaid),
        )
    )
