"""A till gets points to let a customer spend while it is offline, and tells later what she spent. Pure.

What was spent at an instant counts as of that instant, whenever it is heard. It is taken, in this order,
1. from the allowances that the till had then, soonest end first: of one that is open from what it holds, of one that
   has lapsed meanwhile from what went back to its lots, also where that has expired since;
2. from any other lot that lived then or came since, soonest expiry first, pending ones last: from what is left of it,
   then from what of it has expired since, for the points were spent before they did;
3. and what is still missing is owed.
So what she has, owes and lost by expiry does not depend on when the till was heard, so long as points earned later do
not expire sooner, no allowance outlasts its lots, and nobody else held or spent them in between. What the desk or
another till's allowance drew on meanwhile stands and is not drawn anew; a debt that was forgiven is not owed again. A
till whose clock is ahead spends now.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from contracts.loyalty_points import AllowanceUse, LotPoints, PointsSpentOffline
from services.loyalty_points.domain.lots import Lot, drawable_since, split, total
from services.loyalty_points.domain.page import KnownHold, Ledger, Page, checked
from services.loyalty_points.domain.spending import LAPSED, put_by
from shared.errors import Rejected
from shared.message import Command, Instant


class AllowPoints(Command):
    """Put points by for a till, until an instant."""

    customer_id: UUID
    allowance_id: UUID
    branch: str
    till: str
    points: int
    until: Instant
    most: int = 0  # brought by guards.gather: what the till may hold of hers,
    ledger: Ledger | None = None  # and what it holds


class CountSpending(Command):
    """A till let the customer spend points on a receipt. `at` is when, `on` the branch's local day."""

    customer_id: UUID
    spending_id: UUID
    branch: str
    till: str
    number: str
    on: date
    points: int
    ledger: Ledger | None = None  # brought by guards.gather: the till's allowances of then, and lots


def allow(command: AllowPoints, page: Page) -> None:
    """Put points by for the till; the same again says nothing."""
    points, known = checked(command.points), page.holds.get(command.allowance_id)
    if known:
        if known.is_of(command.branch, command.till) and known.points == points:
            return
        raise Rejected("hold-differs", hold_id=command.allowance_id)
    held = sum(h.left for h in page.holds.values() if h.is_of(command.branch, command.till) and h.is_open(page.now))
    if held + points > command.most:
        raise Rejected("allowance-too-large", most=command.most, held=held, asked=points)
    put_by(command.allowance_id, points, command.until, page, branch=command.branch, till=command.till)


def count_spending(command: CountSpending, page: Page) -> None:
    """Take what was spent from the allowances of then, then from lots; what is missing is owed. Told twice, once."""
    if known := page.holds.get(command.spending_id):
        if known.is_spent_at(command.branch, command.till):
            return
        raise Rejected("hold-differs", hold_id=command.spending_id)
    points, spent_at = checked(command.points), min(command.at, page.now)
    purse = _Purse(page.lots.values())
    uses = [_use(one, purse, page.now, left) for one, left in _shares(command, page.holds.values(), spent_at, points)]
    held = sum(total(use.lots) for use in uses)
    missing = points - held - purse.taken
    for lot in drawable_since(page.lots.values(), spent_at, page.now):
        missing -= purse.take(lot, missing)
    page.tell(
        PointsSpentOffline(
            at=command.at,
            customer_id=command.customer_id,
            spending_id=command.spending_id,
            branch=command.branch,
            till=command.till,
            number=command.number,
            on=command.on,
            points=points,
            allowances=tuple(uses),
            lots=purse.parts(),
            from_expired=purse.expired_parts(),
            owed=missing,
            balance=0,
            debt=page.account.debt + missing,
        )
    )


def _shares(
    command: CountSpending, holds: Iterable[KnownHold], at: datetime, points: int
) -> Iterable[tuple[KnownHold, int]]:
    """Yield the till's allowances of that instant, and how much of each is used: soonest end first."""
    own = (h for h in holds if h.is_of(command.branch, command.till) and h.covers(at) and h.ended in (None, LAPSED))
    for allowance in sorted(own, key=lambda h: (h.until, h.hold_id)):
        share = min(allowance.left, points)
        if share:
            points -= share
            yield allowance, share


def _use(allowance: KnownHold, purse: "_Purse", now: datetime, points: int) -> AllowanceUse:
    parts = split(allowance.left_lots, points)[0]
    if allowance.is_open(now):
        return AllowanceUse(hold_id=allowance.hold_id, points=points, lots=parts)
    for part in parts:
        purse.take_part(part)
    return AllowanceUse(hold_id=allowance.hold_id, points=points)


class _Purse:
    """What is taken of lots: of what is left of each, and of what has expired."""

    def __init__(self, lots: Iterable[Lot]) -> None:
        self._lots = {lot.lot_id: lot for lot in lots}
        self._rest = {lot.lot_id: lot.rest for lot in self._lots.values()}
        self._expired = {lot.lot_id: lot.expired for lot in self._lots.values()}

    def take(self, lot: Lot, wanted: int) -> int:
        """Take as much as there is; return it."""
        rest = min(self._rest[lot.lot_id], wanted)
        gone = min(self._expired[lot.lot_id], wanted - rest)
        self._rest[lot.lot_id] -= rest
        self._expired[lot.lot_id] -= gone
        return rest + gone

    def take_part(self, part: LotPoints) -> None:
        """Take what there is of points that had been put by."""
        if lot := self._lots.get(part.lot_id):
            self.take(lot, part.points)

    @property
    def taken(self) -> int:
        """Return all that was taken."""
        return total(self.parts()) + total(self.expired_parts())

    def parts(self) -> tuple[LotPoints, ...]:
        """Return what was taken of what was left."""
        return self._parts([(lot, lot.rest - self._rest[lot.lot_id]) for lot in self._lots.values()])

    def expired_parts(self) -> tuple[LotPoints, ...]:
        """Return what was taken of what had expired."""
        return self._parts([(lot, lot.expired - self._expired[lot.lot_id]) for lot in self._lots.values()])

    def _parts(self, taken: Sequence[tuple[Lot, int]]) -> tuple[LotPoints, ...]:
        return tuple(lot.part(points) for lot, points in taken if points)
