"""Points are put by, spent, or given back: a hold ends exactly once, captured, released or lapsed. Pure.

An allowance is the till's until it lapses: nobody else knows what the till has let her spend of it.
"""

from datetime import datetime
from uuid import UUID

from contracts.loyalty_points import HoldReleased, LotPoints, PointsHeld, PointsRedeemed, Release, RewardBought
from services.loyalty_points.domain.lots import draw, drawable, repaying, split, total
from services.loyalty_points.domain.page import KnownHold, Ledger, Page, checked
from shared.errors import Rejected
from shared.message import Command, Instant

MOST_HOLDS = 20
CAPTURED, RELEASED, LAPSED, REVERSED = "captured", Release.RELEASED.value, Release.LAPSED.value, "reversed"


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
    mine = {one.hold_id for one in page.account.holds}  # one that comes with a merge is there a moment later
    known = (h for h in page.holds.values() if h.hold_id in mine)
    over = ((h.until, h.hold_id, h) for h in known if h.until and h.until <= page.now and not h.ended)
    for until, _, held in sorted(over, key=lambda one: one[:2]):
        _give_back(held, Release.LAPSED, until, until, page)


def hold(command: HoldPoints, page: Page) -> None:
    """Put points by; the same again says nothing."""
    known = page.holds.get(command.hold_id)
    if known:
        lasted = known.until and known.until - known.held_at
        if known.is_for_points and (known.points, lasted) == (command.points, command.until - command.at):
            return
        raise Rejected("hold-differs", hold_id=command.hold_id)
    put_by(command.hold_id, checked(command.points), command.until, page)


def put_by(
    hold_id: UUID,
    points: int,
    until: datetime,
    page: Page,
    *,
    reward: RewardBought | None = None,
    branch: str | None = None,
    till: str | None = None,
) -> None:
    """Put points by for whatever they are for; refuse what is over already, and more holds than a state should have."""
    if until <= page.now:
        raise Rejected("hold-over", until=until.isoformat())
    if sum(one.until > page.now for one in page.account.holds) >= MOST_HOLDS:
        raise Rejected("too-many-holds", most=MOST_HOLDS)
    page.tell(
        PointsHeld(
            at=page.at,
            customer_id=page.customer_id,
            hold_id=hold_id,
            points=points,
            until=until,
            lots=drawn(points, page),
            reward=reward,
            branch=branch,
            till=till,
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
    if known.reward and points < known.points:
        raise Rejected("less-than-the-price", price=known.points, asked=points)
    spent, returned = split(known.lots, points)
    repaid = repaying(returned, page.account.debt, page.now)
    page.tell(
        PointsRedeemed(
            at=command.at,
            customer_id=command.customer_id,
            redemption_id=command.hold_id,
            branch=command.branch or (known.reward.branch if known.reward else None),
            hold_id=command.hold_id,
            points=points,
            lots=spent,
            returned=returned,
            repaid=repaid,
            reward=known.reward,
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
        if known.until is None and known.captured == points and known.is_for_points:
            return
        raise Rejected("redemption-differs", redemption_id=command.redemption_id)
    page.tell(
        PointsRedeemed(
            at=command.at,
            customer_id=command.customer_id,
            redemption_id=command.redemption_id,
            branch=command.branch,
            points=points,
            lots=drawn(points, page),
            balance=0,
            debt=page.account.debt,
        )
    )


def _known(hold_id: UUID, page: Page) -> KnownHold:
    known = page.holds.get(hold_id)
    if known is None or known.until is None or known.is_anothers:
        raise Rejected("hold-unknown", hold_id=hold_id)
    if known.till:
        raise Rejected("hold-of-a-till", branch=known.branch, till=known.till)
    return known


def _still_open(known: KnownHold, page: Page) -> None:
    if known.ended:
        raise Rejected("hold-ended", how=known.ended)
    if known.until and known.until <= page.now:
        raise Rejected("hold-ended", how=LAPSED)


def drawn(points: int, page: Page) -> tuple[LotPoints, ...]:
    """Return points of the lots that can be spent now; refuse when those very lots have less."""
    active = [lot for lot in drawable(page.lots.values(), page.now) if not lot.is_pending(page.now)]
    parts = draw(active, points)
    if total(parts) < points:
        raise Rejected("not-enough-points", available=page.account.available(page.now), asked=points)
    return parts


def _give_back(held: KnownHold, why: Release, at: datetime, counted_at: datetime, page: Page) -> None:
    lots = held.left_lots
    repaid = repaying(lots, page.account.debt, counted_at)
    page.tell(
        HoldReleased(
            at=at,
            customer_id=page.customer_id,
            hold_id=held.hold_id,
            points=total(lots),
            why=why,
            lots=lots,
            repaid=repaid,
            balance=0,
            debt=page.account.debt - total(repaid),
        )
    )
