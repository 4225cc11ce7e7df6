"""A member's receipts are noted, refunded, and earn from the joining one on. Pure; minor units before tax.

Receipts, refunds, tiers and the membership come in any order, and each time everything is settled as if it had been
known from the start (`settling`): so what was earned, taken back and is left does not depend on the order.
"""

from datetime import date
from uuid import UUID

from pydantic import Field

from services.loyalty_points.domain.events import EarningStarted, ReceiptNoted, ReceiptReduced
from services.loyalty_points.domain.page import Ledger, Page
from services.loyalty_points.domain.settling import settle
from services.loyalty_points.receipt import Earns, Receipt, Settled, any_earns, settled
from services.loyalty_points.terms import PRESET, Terms
from services.loyalty_points.worth import Item, Sold
from shared.errors import Rejected
from shared.message import Command


class CountReceipt(Command):
    """A receipt with lines of the customer: by number the net amount, and what it sells. `at` is the receipt's time.

    `under` is the id that the news names, where that was given up for this one; here and below.
    """

    customer_id: UUID
    under: UUID | None = None
    sale_id: UUID
    branch: str
    zone: str
    on: date
    order: str
    lines: dict[int, int]
    items: dict[int, Item] = Field(default_factory=dict)
    till: str = ""
    number: str = ""
    terms: Terms = PRESET  # these eight brought by guards.gather: the policy at the receipt's time,
    policy_version: int = 0
    earner: UUID | None = None  # who she was then, where that is another one,
    tier: str | None = None  # and her tier then,
    birthday_month: int | None = None  # and the month of her birthday, as she had told it,
    is_known: bool = False  # whether the receipt has been heard,
    others: tuple[Receipt, ...] = ()  # those of hers that share a cap with it, in their order,
    ledger: Ledger | None = None  # and the holds that have lapsed, and lots to take from

    def receipt(self) -> Receipt:
        """Return the receipt, which has earned nothing yet."""
        return Receipt(
            sale_id=self.sale_id,
            branch=self.branch,
            zone=self.zone,
            on=self.on,
            sold_at=self.at,
            order=self.order,
            sold={line: Sold(net_minor, self.items.get(line, Item())) for line, net_minor in self.lines.items()},
            left=self.lines,
            terms=self.terms,
            policy_version=self.policy_version,
            tier=self.tier,
            birthday_month=self.birthday_month,
            origin=self.under,
            earner=self.earner,
        )

    def settled(self) -> list[Settled]:
        """Return what it earns, and what the others earn with it."""
        return list(settled(sorted([*self.others, self.receipt()], key=lambda one: one.order), self.order))


class CountRefund(Command):
    """What is left of lines of the customer's after a refund: line number to net amount. `at` is the refund's time."""

    customer_id: UUID
    under: UUID | None = None
    sale_id: UUID
    lines: dict[int, int]
    receipt: Receipt | None = None  # brought by guards.gather,
    ledger: Ledger | None = None  # and its lots, and others to take from when they have too little left

    def reduces(self, receipt: Receipt) -> dict[int, int]:
        """Return the lines of which less is left: none when it is told twice, or before a later refund of a line."""
        return {line: left for line, left in self.lines.items() if left < receipt.left.get(line, left)}

    def settled(self, receipt: Receipt) -> Settled:
        """Return what the receipt keeps of what it has earned."""
        return Settled(receipt, receipt.earned, receipt.less(self.reduces(receipt)).keeps(receipt.earned))


class StartEarning(Command):
    """The customer is a member from the receipt `joined_order` on. `at` is that receipt's time."""

    customer_id: UUID
    under: UUID | None = None
    joined_order: str
    waiting: tuple[Receipt, ...] = ()  # brought by guards.gather: the receipts from that one on, in their order,
    ledger: Ledger | None = None  # and the holds that have lapsed, and lots to take from

    def settled(self, earns: Earns = any_earns) -> list[Settled]:
        """Return what the receipts earn when they earn from the joining one on."""
        return list(settled(self.waiting, self.joined_order, earns))


def note(sale: CountReceipt, page: Page) -> None:
    """Write a receipt down, and what it earns."""
    page.tell(
        ReceiptNoted(
            at=sale.at,
            customer_id=sale.under or sale.customer_id,
            sale_id=sale.sale_id,
            branch=sale.branch,
            zone=sale.zone,
            on=sale.on,
            order=sale.order,
            lines=sale.lines,
            items=sale.items,
            net_minor=sum(sale.lines.values()),
            policy_version=sale.policy_version,
            till=sale.till,
            number=sale.number,
        )
    )
    if page.earns(sale.receipt()):
        settle(sale.settled(), page)


def reduce(refund: CountRefund, page: Page) -> None:
    """Write down what a refund left, and take back what the receipt no longer earns; refuse what was never heard."""
    receipt = refund.receipt
    if receipt is None:
        raise Rejected("sale-unknown", sale_id=refund.sale_id)
    if not (lines := refund.reduces(receipt)):
        return
    under = refund.under or refund.customer_id
    page.tell(ReceiptReduced(at=refund.at, customer_id=under, sale_id=refund.sale_id, lines=lines))
    settle([refund.settled(receipt)], page, refund.at)


def start(membership: StartEarning, page: Page) -> None:
    """Let receipts earn from the joining one on; those that have earned do not again, and told twice says nothing."""
    under = membership.under or membership.customer_id
    known = page.account.joining_of(under)
    if known is None or membership.joined_order < known:
        page.tell(EarningStarted(at=membership.at, customer_id=under, joined_order=membership.joined_order))
        settle(membership.settled(page.earns), page)
