"""One customer's points: a member's receipts earn, refunds take back. Pure; whole points, minor units before tax.

Receipts, refunds and the membership come in any order. A receipt earns on what its own lines were worth, a refund takes
back the difference to what is left, whenever each is heard: so balance, earned and taken back do not depend on that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import PRESET, Terms
from shared.errors import Rejected
from shared.message import Command, Event

SHAPE = 1


class CountReceipt(Command):
    """A receipt with lines of the customer: line number to net amount. `at` is the receipt's time."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    on: date
    order: str
    lines: dict[int, int]
    terms: Terms = PRESET  # these three brought by guards.gather: the policy at the receipt's time,
    policy_version: int = 0
    is_known: bool = False  # and whether the receipt has been heard


class CountRefund(Command):
    """What is left of lines of the customer's after a refund: line number to net amount. `at` is the refund's time."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]
    receipt: Receipt | None = None  # brought by guards.gather


class StartEarning(Command):
    """The customer is a member from the receipt `joined_order` on. `at` is that receipt's time."""

    customer_id: UUID
    joined_order: str
    waiting: tuple[Receipt, ...] = ()  # brought by guards.gather: the receipts from that one on, in their order


class ReceiptNoted(Event):
    """A receipt of the customer's is known, and the terms of its time, whether or not she is a member."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    on: date
    order: str
    lines: dict[int, int]
    net_minor: int
    terms: Terms
    policy_version: int


class ReceiptReduced(Event):
    """A refund left less of some lines of a receipt."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]


class EarningStarted(Event):
    """Receipts earn from `joined_order` on: the first time, or earlier than was known."""

    customer_id: UUID
    joined_order: str


AccountCommand: TypeAlias = CountReceipt | CountRefund | StartEarning
Entry: TypeAlias = PointsEarned | PointsTakenBack
AccountEvent: TypeAlias = ReceiptNoted | ReceiptReduced | EarningStarted | Entry

COMMANDS = (CountReceipt, CountRefund, StartEarning)
EVENTS = (ReceiptNoted, ReceiptReduced, EarningStarted, PointsEarned, PointsTakenBack)


@dataclass(frozen=True)
class Account:
    """A customer's points. What was taken back and could not be given stands as debt, and the next earnings pay it."""

    joined_order: str | None = None
    member_since: datetime | None = None
    balance: int = 0
    debt: int = 0
    earned: int = 0
    taken_back: int = 0

    def has_earned(self, order: str) -> bool:
        """Return whether a known receipt has earned: it is the joining one, or after it."""
        return self.joined_order is not None and order >= self.joined_order


initial = Account()


def decide(command: AccountCommand, account: Account) -> list[AccountEvent]:
    """Return the events `command` causes; raise Rejected for a refund of a receipt that was never heard."""
    match command:
        case CountReceipt(is_known=True):
            return []  # told twice, earns once
        case CountReceipt():
            return _note(command, account)
        case CountRefund():
            return _reduce(command, account)
        case StartEarning(joined_order=order) if account.has_earned(order):
            return []  # told twice, or after an earlier one
        case StartEarning():
            return _start(command, account)


def _note(sale: CountReceipt, account: Account) -> list[AccountEvent]:
    noted = ReceiptNoted(
        at=sale.at,
        customer_id=sale.customer_id,
        sale_id=sale.sale_id,
        branch=sale.branch,
        on=sale.on,
        order=sale.order,
        lines=sale.lines,
        net_minor=sum(sale.lines.values()),
        terms=sale.terms,
        policy_version=sale.policy_version,
    )
    if not account.has_earned(sale.order):
        return [noted]
    receipt = Receipt(
        sale_id=sale.sale_id,
        branch=sale.branch,
        on=sale.on,
        sold_at=sale.at,
        order=sale.order,
        net_minor=noted.net_minor,
        left=sale.lines,
        terms=sale.terms,
        policy_version=sale.policy_version,
    )
    return [noted, *_entries(sale.customer_id, [receipt], account)]


def _reduce(refund: CountRefund, account: Account) -> list[AccountEvent]:
    receipt = refund.receipt
    if receipt is None:
        raise Rejected("sale-unknown", sale_id=refund.sale_id)
    lines = {line: left for line, left in refund.lines.items() if left < receipt.left.get(line, left)}
    if not lines:
        return []  # told twice, or before a later refund of the same line
    reduced = ReceiptReduced(at=refund.at, customer_id=refund.customer_id, sale_id=refund.sale_id, lines=lines)
    if not account.has_earned(receipt.order):
        return [reduced]
    after = replace(receipt, left={**receipt.left, **lines})
    points = receipt.keeps - after.keeps
    return [reduced, _taken_back(refund.customer_id, receipt, points, refund.at, account)] if points else [reduced]


def _start(membership: StartEarning, account: Account) -> list[AccountEvent]:
    started = EarningStarted(at=membership.at, customer_id=membership.customer_id, joined_order=membership.joined_order)
    unearned = [receipt for receipt in membership.waiting if not account.has_earned(receipt.order)]
    return [started, *_entries(membership.customer_id, unearned, account)]


def _entries(customer_id: UUID, receipts: Sequence[Receipt], account: Account) -> list[Entry]:
    """Return what receipts earn that have not earned before, and what refunds have taken back of it since."""
    entries: list[Entry] = []
    for receipt in receipts:
        if receipt.earns:
            entries.append(_earned(customer_id, receipt, account))
            account = evolve(account, entries[-1])
        if points := receipt.earns - receipt.keeps:
            taken_at = receipt.refunded_at or receipt.sold_at
            entries.append(_taken_back(customer_id, receipt, points, taken_at, account))
            account = evolve(account, entries[-1])
    return entries


def _earned(customer_id: UUID, receipt: Receipt, account: Account) -> PointsEarned:
    points = receipt.earns
    repaid = min(account.debt, points)
    return PointsEarned(
        at=receipt.sold_at,
        customer_id=customer_id,
        sale_id=receipt.sale_id,
        branch=receipt.branch,
        on=receipt.on,
        points=points,
        repaid=repaid,
        balance=account.balance + points - repaid,
        debt=account.debt - repaid,
        policy_version=receipt.policy_version,
    )


def _taken_back(
    customer_id: UUID, receipt: Receipt, points: int, taken_at: datetime, account: Account
) -> PointsTakenBack:
    given = min(account.balance, points)
    return PointsTakenBack(
        at=taken_at,
        customer_id=customer_id,
        sale_id=receipt.sale_id,
        branch=receipt.branch,
        on=receipt.on,
        points=points,
        balance=account.balance - given,
        debt=account.debt + points - given,
        policy_version=receipt.policy_version,
    )


def evolve(account: Account, event: AccountEvent) -> Account:
    """Return the account after `event`; never refuses, for it has happened."""
    match event:
        case EarningStarted(at=at, joined_order=order):
            return replace(account, joined_order=order, member_since=at)
        case PointsEarned(points=points, balance=balance, debt=debt):
            return replace(account, balance=balance, debt=debt, earned=account.earned + points)
        case PointsTakenBack(points=points, balance=balance, debt=debt):
            return replace(account, balance=balance, debt=debt, taken_back=account.taken_back + points)
        case ReceiptNoted() | ReceiptReduced():
            return account
