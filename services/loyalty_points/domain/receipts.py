"""A member's receipts earn, refunds take back. Pure; whole points, minor units before tax.

Receipts, refunds and the membership come in any order. A receipt earns on what its own lines were worth, a refund takes
back the difference to what is left, whenever each is heard: so what was earned, taken back and is left do not depend on
that.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsExpired, PointsTakenBack
from services.loyalty_points.domain.events import EarningStarted, ReceiptNoted, ReceiptReduced
from services.loyalty_points.domain.lots import draw, drawable, is_alive, lot_id, total
from services.loyalty_points.domain.page import Ledger, Page
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import PRESET, Terms
from shared.errors import Rejected
from shared.message import Command


class CountReceipt(Command):
    """A receipt with lines of the customer: line number to net amount. `at` is the receipt's time."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    zone: str
    on: date
    order: str
    lines: dict[int, int]
    till: str = ""
    number: str = ""
    terms: Terms = PRESET  # these four brought by guards.gather: the policy at the receipt's time,
    policy_version: int = 0
    is_known: bool = False  # whether the receipt has been heard,
    ledger: Ledger | None = None  # and the holds that have lapsed


class CountRefund(Command):
    """What is left of lines of the customer's after a refund: line number to net amount. `at` is the refund's time."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]
    receipt: Receipt | None = None  # brought by guards.gather,
    ledger: Ledger | None = None  # and its lot, and others to take from when it has too little left

    def reduces(self, receipt: Receipt) -> dict[int, int]:
        """Return the lines of which less is left: none when it is told twice, or before a later refund of a line."""
        return {line: left for line, left in self.lines.items() if left < receipt.left.get(line, left)}

    def costs(self, receipt: Receipt) -> int:
        """Return the points that the receipt earned and no longer does."""
        return receipt.keeps - replace(receipt, left={**receipt.left, **self.reduces(receipt)}).keeps


class StartEarning(Command):
    """The customer is a member from the receipt `joined_order` on. `at` is that receipt's time."""

    customer_id: UUID
    joined_order: str
    waiting: tuple[Receipt, ...] = ()  # brought by guards.gather: the receipts from that one on, in their order,
    ledger: Ledger | None = None  # and the holds that have lapsed


def note(sale: CountReceipt, page: Page) -> None:
    """Write a receipt down, and what it earns."""
    page.tell(
        ReceiptNoted(
            at=sale.at,
            customer_id=sale.customer_id,
            sale_id=sale.sale_id,
            branch=sale.branch,
            zone=sale.zone,
            on=sale.on,
            order=sale.order,
            lines=sale.lines,
            net_minor=sum(sale.lines.values()),
            terms=sale.terms,
            policy_version=sale.policy_version,
            till=sale.till,
            number=sale.number,
        )
    )
    if page.account.has_earned(sale.order):
        receipt = Receipt(
            sale_id=sale.sale_id,
            branch=sale.branch,
            zone=sale.zone,
            on=sale.on,
            sold_at=sale.at,
            order=sale.order,
            net_minor=sum(sale.lines.values()),
            left=sale.lines,
            terms=sale.terms,
            policy_version=sale.policy_version,
        )
        _enter([receipt], page)


def reduce(refund: CountRefund, page: Page) -> None:
    """Write down what a refund left, and take back what the receipt no longer earns; refuse what was never heard."""
    receipt = refund.receipt
    if receipt is None:
        raise Rejected("sale-unknown", sale_id=refund.sale_id)
    if not (lines := refund.reduces(receipt)):
        return
    page.tell(ReceiptReduced(at=refund.at, customer_id=refund.customer_id, sale_id=refund.sale_id, lines=lines))
    if page.account.has_earned(receipt.order) and (points := refund.costs(receipt)):
        _take_back(receipt, points, refund.at, page)


def start(membership: StartEarning, page: Page) -> None:
    """Let receipts earn from the joining one on; those that have earned do not again."""
    unearned = [receipt for receipt in membership.waiting if not page.account.has_earned(receipt.order)]
    page.tell(
        EarningStarted(at=membership.at, customer_id=membership.customer_id, joined_order=membership.joined_order)
    )
    _enter(unearned, page)


def _enter(receipts: Iterable[Receipt], page: Page) -> None:
    """Write what receipts earn that have not earned before, and what refunds have taken back of it since."""
    for receipt in receipts:
        if receipt.earns:
            _earn(receipt, page)
        if points := receipt.earns - receipt.keeps:
            _take_back(receipt, points, receipt.refunded_at or receipt.sold_at, page)


def _earn(receipt: Receipt, page: Page) -> None:
    points, expires_at = receipt.earns, receipt.expires_at
    in_time = is_alive(expires_at, page.now)
    repaid = min(page.account.debt, points) if in_time else 0
    own = lot_id(page.customer_id, receipt.source)
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
            source=receipt.source,
            active_from=receipt.active_from,
            expires_at=expires_at,
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


def _take_back(receipt: Receipt, points: int, taken_at: datetime, page: Page) -> None:
    """Take points from the receipt's own lot, what has expired of it, then the others; what is missing is owed."""
    own = lot_id(page.customer_id, receipt.source)
    lot = page.lots.get(own)
    parts = draw([lot], points) if lot and lot.rest else ()
    gone = min(lot.expired, points - total(parts)) if lot else 0
    others = drawable((other for other in page.lots.values() if other.lot_id != own), page.now)
    parts += draw(others, points - total(parts) - gone)
    page.tell(
        PointsTakenBack(
            at=taken_at,
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
        )
    )
