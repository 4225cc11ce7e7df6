"""A customer: joining by one purchase, and the tier that recent spend gives. Pure; amounts are minor units before tax.

Receipts come in any order. Who is a member, and since when, depends only on the receipts and the policy at their time.
"""

from collections.abc import Iterator
from typing import TypeAlias
from uuid import UUID

from contracts.membership import (
    BirthdayMonthTold,
    CustomerRegistered,
    MembershipMovedEarlier,
    MembershipStarted,
    TierChanged,
)
from contracts.money import LARGEST
from services.membership import merging
from services.membership.birthday import TellBirthdayMonth, tell, told
from services.membership.customer import Customer
from services.membership.merging import MergeCommand, MergeEvent
from services.membership.standing import Standing
from shared.errors import Rejected
from shared.message import Command, Event, Instant
from shared.replacing import replace

SHAPE = 4


class RegisterCustomer(Command):
    """The vault has met a person for the first time."""

    customer_id: UUID


class CountSale(Command):
    """A receipt with lines of the customer: line number to net amount. `at` is the receipt's time.

    `under` is the id that it names, where that was given up for this one.
    """

    customer_id: UUID
    under: UUID | None = None
    sale_id: UUID
    branch: str
    order: str
    lines: dict[int, int]
    standing: Standing | None = None  # brought by guards.gather


class CountRefund(Command):
    """What is left of lines of the customer's after a refund: line number to net amount. `at` is the refund's time.

    `under` is as of a receipt.
    """

    customer_id: UUID
    under: UUID | None = None
    sale_id: UUID
    lines: dict[int, int]
    standing: Standing | None = None  # brought by guards.gather


class ReviewTier(Command):
    """Look at the tier again: a receipt leaves the window, or another policy holds."""

    customer_id: UUID
    standing: Standing | None = None  # brought by guards.gather


class SpendCounted(Event):
    """A receipt under an id of the customer's counts: what its lines are worth to her, and in all."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]
    left_minor: int


class SpendReduced(Event):
    """A refund left less of some lines, and that much of the receipt in all."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]
    left_minor: int


class ReviewPlanned(Event):
    """The tier is to be looked at again when this time comes."""

    customer_id: UUID
    review_at: Instant


Own: TypeAlias = RegisterCustomer | CountSale | CountRefund | ReviewTier | TellBirthdayMonth
CustomerCommand: TypeAlias = Own | MergeCommand
Joining: TypeAlias = MembershipStarted | MembershipMovedEarlier
Spend: TypeAlias = SpendCounted | SpendReduced
OwnEvent: TypeAlias = CustomerRegistered | Joining | TierChanged | Spend | ReviewPlanned | BirthdayMonthTold
CustomerEvent: TypeAlias = OwnEvent | MergeEvent

COMMANDS = (RegisterCustomer, CountSale, CountRefund, ReviewTier, TellBirthdayMonth, *merging.COMMANDS)
EVENTS = (
    *merging.EVENTS,
    CustomerRegistered,
    MembershipStarted,
    MembershipMovedEarlier,
    TierChanged,
    SpendCounted,
    SpendReduced,
    ReviewPlanned,
    BirthdayMonthTold,
)


initial = Customer()


def follow(command: CustomerCommand, customer: Customer) -> Command | None:
    """Return the command for the one she was given up for; None for what is about the merge itself."""
    if customer.moved_to is None or isinstance(command, MergeCommand):
        return None
    onward = {"customer_id": customer.moved_to}
    if isinstance(command, CountSale | CountRefund):
        onward["under"] = command.under or command.customer_id
    return command.model_copy(update=onward)


def decide(command: CustomerCommand, customer: Customer) -> list[CustomerEvent]:
    """Return the events `command` causes; raise Rejected for a refund of a receipt that was never heard."""
    return [*merging.decide(command, customer)] if isinstance(command, MergeCommand) else _decided(command, customer)


def _decided(command: Own, customer: Customer) -> list[CustomerEvent]:
    match command:
        case RegisterCustomer() if customer.registered_at:
            return []
        case RegisterCustomer():
            return [CustomerRegistered(at=command.at, customer_id=command.customer_id)]
        case CountSale():
            return _count(command, command.standing or Standing(now=command.at), customer)
        case CountRefund():
            return _reduce(command, command.standing or Standing(now=command.at), customer)
        case ReviewTier():
            standing = command.standing or Standing(now=command.at)
            return list(_ranked(command.customer_id, standing, customer))
        case TellBirthdayMonth():
            return [*tell(command, customer)]


def _count(sale: CountSale, standing: Standing, customer: Customer) -> list[CustomerEvent]:
    if standing.left is not None:
        return []  # told twice, counted once
    net_minor = sum(sale.lines.values())
    under = sale.under or sale.customer_id
    events: list[CustomerEvent] = [
        SpendCounted(at=sale.at, customer_id=under, sale_id=sale.sale_id, lines=sale.lines, left_minor=net_minor)
    ]
    who = customer.as_whom(under, sale.at)
    joined_order = customer.joined_as(who)
    if net_minor >= standing.joining.join_minimum_minor and (joined_order is None or sale.order < joined_order):
        events.append(_join(sale, standing, who, joined_order))
        customer = evolve(customer, events[-1])
    return events + list(_ranked(sale.customer_id, standing.counting(sale.at, net_minor), customer))


def _join(sale: CountSale, standing: Standing, who: UUID, joined_order: str | None) -> Joining:
    joining = MembershipMovedEarlier if joined_order else MembershipStarted
    return joining(
        at=sale.at,
        customer_id=who,
        sale_id=sale.sale_id,
        branch=sale.branch,
        joined_order=sale.order,
        policy_version=standing.joining_version,
    )


def _reduce(refund: CountRefund, standing: Standing, customer: Customer) -> list[CustomerEvent]:
    known = standing.left
    if known is None or standing.sold_at is None:
        raise Rejected("sale-unknown", sale_id=refund.sale_id)
    lines = {line: left for line, left in refund.lines.items() if left < known.get(line, left)}
    if not lines:
        return []  # told twice, or before a later refund of the same line
    left_minor = sum({**known, **lines}.values())
    under = refund.under or refund.customer_id
    reduced = SpendReduced(at=refund.at, customer_id=under, sale_id=refund.sale_id, lines=lines, left_minor=left_minor)
    return [reduced, *_ranked(refund.customer_id, standing.counting(standing.sold_at, left_minor), customer)]


def _ranked(customer_id: UUID, standing: Standing, customer: Customer) -> Iterator[TierChanged | ReviewPlanned]:
    """Yield the change of a member's tier, and when to look again: only when what leaves the window may change it."""
    if not customer.is_member:
        return
    terms = standing.terms
    rank = terms.rank(standing.spend_minor)
    if terms.tiers[rank].name != customer.tier:
        yield TierChanged(
            at=standing.now,
            customer_id=customer_id,
            tier=terms.tiers[rank].name,
            was=customer.tier or "",
            spend_minor=max(-LARGEST, min(LARGEST, standing.spend_minor)),
            policy_version=standing.policy_version,
        )
    may_fall = standing.gain_leaves_at if rank > 0 else None
    may_rise = standing.loss_leaves_at if rank < len(terms.tiers) - 1 else None
    review_at = min((at for at in (may_fall, may_rise) if at), default=None)
    if review_at and review_at != customer.review_at:
        yield ReviewPlanned(at=standing.now, customer_id=customer_id, review_at=review_at)


def evolve(customer: Customer, event: CustomerEvent) -> Customer:
    """Return the customer after `event`; never refuses, for it has happened."""
    match event:
        case CustomerRegistered(at=at):
            return replace(customer, registered_at=at)
        case MembershipStarted() | MembershipMovedEarlier():
            return _joined(customer, event)
        case TierChanged(tier=tier):
            return replace(customer, tier=tier)
        case ReviewPlanned(review_at=review_at):
            return replace(customer, review_at=review_at)
        case BirthdayMonthTold():
            return told(customer, event)
        case SpendCounted() | SpendReduced():
            return customer
        case _:
            return merging.evolve(customer, event)


def _joined(customer: Customer, event: Joining) -> Customer:
    if customer.other(event.customer_id) is None:
        return replace(customer, joined_at=event.at, joined_order=event.joined_order)
    others = (
        replace(one, joined_at=event.at, joined_order=event.joined_order)
        if one.customer_id == event.customer_id
        else one
        for one in customer.others
    )
    return replace(customer, others=tuple(others))
