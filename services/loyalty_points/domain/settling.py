"""What receipts should have earned, beside what they have: the difference is earned or taken back. Pure; whole points.

Nothing is edited. A receipt that should have earned more earns once more, in a lot of its own; one that should have
earned less is corrected by an entry that says so.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsExpired, PointsTakenBack, RulePoints
from services.loyalty_points.domain.lots import draw, drawable, is_alive, lot_id, total
from services.loyalty_points.domain.page import Page
from services.loyalty_points.receipt import Receipt, Settled
from services.loyalty_points.worth import BASE


class _Taking(NamedTuple):
    """What is taken back of a receipt; `at` is the refund's time, None where it is a correction or was heard before.

    A correction counts from the receipt's time on, unless a refund had taken some of that back by then.
    """

    receipt: Receipt
    points: int
    corrected: int
    change: Mapping[str, int]
    at: datetime | None

    @property
    def taken_at(self) -> datetime:
        sold_at = self.receipt.sold_at
        refunded_at = self.receipt.refunded_at or sold_at
        if self.at or not self.corrected:
            return self.at or refunded_at
        return max(sold_at, refunded_at) if self.corrected > self.points else sold_at


def settle(all_settled: Iterable[Settled], page: Page, at: datetime | None = None) -> None:
    """Write what brings each receipt to what it should have earned and keep; `at` is the time of a refund."""
    for receipt, earned, kept in all_settled:
        more = sum(earned.values()) - sum(receipt.earned.values())
        gained = max(more, kept - receipt.kept, 0)
        corrected, taken = gained - more, receipt.kept + gained - kept
        change = _change(receipt.earned, earned)
        if gained and not corrected:
            _earn(receipt, gained, change, page)
            change = {}
        elif gained:
            _earn(receipt, gained, {}, page)
            change[BASE] = change.get(BASE, 0) - gained
        if taken or corrected or any(change.values()):
            _take_back(_Taking(receipt, taken, corrected, change, at), page)


def _change(was: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {rule: now.get(rule, 0) - was.get(rule, 0) for rule in (*now, *(one for one in was if one not in now))}


def _by(change: Mapping[str, int]) -> tuple[RulePoints, ...]:
    by = tuple(RulePoints(rule=rule, points=points) for rule, points in change.items() if points)
    return () if [one.rule for one in by] == [BASE] else by


def earned_by(entry: PointsEarned | PointsTakenBack) -> dict[str, int]:
    """Return by how much an entry changes what its receipt has earned, by rule; a refund does not."""
    if entry.by:
        return {one.rule: one.points for one in entry.by}
    change = entry.points if isinstance(entry, PointsEarned) else -entry.corrected
    return {BASE: change} if change else {}


def _earn(receipt: Receipt, points: int, change: Mapping[str, int], page: Page) -> None:
    expires_at = receipt.expires_at
    in_time = is_alive(expires_at, page.now)
    repaid = min(page.account.debt, points) if in_time else 0
    own = lot_id(receipt.origin or page.customer_id, receipt.next_source)
    page.tell(
        PointsEarned(
            at=receipt.sold_at,
            customer_id=page.customer_id,
            sale_id=receipt.sale_id,
            branch=receipt.branch,
            on=receipt.on,
            points=points,
            repaid=repaid,
            balance=0,
            debt=page.account.debt - repaid,
            policy_version=receipt.policy_version,
            lot_id=own,
            source=receipt.next_source,
            active_from=receipt.active_from,
            expires_at=expires_at,
            by=_by(change),
            origin=receipt.origin,
        )
    )
    if expires_at and not in_time:
        page.tell(
            PointsExpired(
                at=expires_at,
                customer_id=page.customer_id,
                points=points,
                lots=(page.lots[own].part(points),),
                expires_at=expires_at,
                balance=0,
                debt=page.account.debt,
            )
        )


def _take_back(taking: _Taking, page: Page) -> None:
    """Take from the receipt's own lots, the newest first, then the others; what is missing is owed."""
    whose = taking.receipt.origin or page.customer_id
    own = [lot_id(whose, source) for source in (*taking.receipt.sources, taking.receipt.next_source)]
    plan: list[tuple[UUID, int]] = []
    left = taking.points
    for one in reversed(own):
        if (lot := page.lots.get(one)) and (given := min(lot.rest + lot.expired, left)):
            plan.append((one, given))
            left -= given
    if left or not plan:
        last, given = plan.pop() if plan else (own[0], 0)
        plan.append((last, given + left))
    taking = taking._replace(at=taking.taken_at)
    for place, (one, points) in enumerate(plan):
        _take(one, points, taking if place == 0 else taking._replace(corrected=0, change={}), page)


def _take(own: UUID, points: int, taking: _Taking, page: Page) -> None:
    """Take points from a lot, what has expired of it, then the lots that come first."""
    lot, receipt = page.lots.get(own), taking.receipt
    parts = draw([lot], points) if lot and lot.rest else ()
    gone = min(lot.expired, points - total(parts)) if lot else 0
    others = drawable((other for other in page.lots.values() if other.lot_id != own), page.now)
    parts += draw(others, points - total(parts) - gone)
    page.tell(
        PointsTakenBack(
            at=taking.taken_at,
            customer_id=page.customer_id,
            sale_id=receipt.sale_id,
            branch=receipt.branch,
            on=receipt.on,
            points=points,
            balance=0,
            debt=page.account.debt + points - total(parts) - gone,
            policy_version=receipt.policy_version,
            lot_id=own,
            lots=parts,
            from_expired=gone,
            corrected=taking.corrected,
            by=_by(taking.change),
            origin=receipt.origin,
        )
    )
