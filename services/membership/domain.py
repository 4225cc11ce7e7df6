"""A customer: joining by one purchase, and the tier that recent spend gives. Pure; amounts are minor units before tax.

Receipts come in any order. Who is a member, and since when, depends only on the receipts and the policy at their time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from contracts.membership import CustomerRegistered, MembershipMovedEarlier, MembershipStarted, TierChanged
from contracts.money import LARGEST
from services.membership.terms import PRESET, Terms
from shared.errors import Rejected
from shared.message import Command, Event, Instant

SHAPE = 1


@dataclass(frozen=True)
class Standing:
    """What guards.gather knows of a customer at `now`. Spend is that of the window, without the receipt at hand.

    `joining` holds at the receipt's time, `terms` now. `gain_leaves_at`, `loss_leaves_at`: when the next receipt that
    counts for her, or against her, leaves the window. `left`: the receipt's lines, None when it has not been heard.
    """

    now: datetime
    terms: Terms = PRESET
    policy_version: int = 0
    joining: Terms = PRESET
    joining_version: int = 0
    spend_minor: int = 0
    gain_leaves_at: datetime | None = None
    loss_leaves_at: datetime | None = None
    sold_at: datetime | None = None
    left: Mapping[int, int] | None = None

    def counting(self, sold_at: datetime, left_minor: int) -> "Standing":
        """Return the standing with the receipt at hand counted in."""
        if sold_at <= self.now - self.terms.window:
            return self
        counted = replace(self, spend_minor=self.spend_minor + left_minor)
        leaves_at = sold_at + self.terms.window
        if left_minor > 0:
            return replace(counted, gain_leaves_at=min(leaves_at, self.gain_leaves_at or leaves_at))
        if left_minor < 0:
            return replace(counted, loss_leaves_at=min(leaves_at, self.loss_leaves_at or leaves_at))
        return counted


class RegisterCustomer(Command):
    """The vault has met a person for the first time."""

    customer_id: UUID


class CountSale(Command):
    """A receipt with lines of the customer: line number to net amount. `at` is the receipt's time."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    order: str
    lines: dict[int, int]
    standing: Standing | None = None  # brought by guards.gather


class CountRefund(Command):
    """What is left of lines of the customer's after a refund: line number to net amount. `at` is the refund's time."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]
    standing: Standing | None = None  # brought by guards.gather


class ReviewTier(Command):
    """Look at the tier again: a receipt leaves the window, or another policy holds."""

    customer_id: UUID
    standing: Standing | None = None  # brought by guards.gather


class SpendCounted(Event):
    """A receipt counts: what its lines are worth to the customer, and in all."""

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


CustomerCommand: TypeAlias = RegisterCustomer | CountSale | CountRefund | ReviewTier
Joining: TypeAlias = MembershipStarted | MembershipMovedEarlier
CustomerEvent: TypeAlias = CustomerRegistered | Joining | TierChanged | SpendCounted | SpendReduced | ReviewPlanned

COMMANDS = (RegisterCustomer, CountSale, CountRefund, ReviewTier)
EVENTS = (
    CustomerRegistered,
    MembershipStarted,
    MembershipMovedEarlier,
    TierChanged,
    SpendCounted,
    SpendReduced,
    ReviewPlanned,
)


@dataclass(frozen=True)
class Customer:
    """A customer; a member from the receipt `joined_order` on, and since then of a tier as it was worked out."""

    registered_at: datetime | None = None
    joined_at: datetime | None = None
    joined_order: str | None = None
    tier: str | None = None
    review_at: datetime | None = None


initial = Customer()


def decide(command: CustomerCommand, customer: Customer) -> list[CustomerEvent]:
    """Return the events `command` causes; raise Rejected for a refund of a receipt that was never heard."""
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


def _count(sale: CountSale, standing: Standing, customer: Customer) -> list[CustomerEvent]:
    if standing.left is not None:
        return []  # told twice, counted once
    net_minor = sum(sale.lines.values())
    events: list[CustomerEvent] = [
        SpendCounted(
            at=sale.at, customer_id=sale.customer_id, sale_id=sale.sale_id, lines=sale.lines, left_minor=net_minor
        )
    ]
    if net_minor >= standing.joining.join_minimum_minor and _is_earlier(sale.order, customer):
        events.append(_join(sale, standing, customer))
        customer = evolve(customer, events[-1])
    return events + list(_ranked(sale.customer_id, standing.counting(sale.at, net_minor), customer))


def _is_earlier(order: str, customer: Customer) -> bool:
    return customer.joined_order is None or order < customer.joined_order


def _join(sale: CountSale, standing: Standing, customer: Customer) -> Joining:
    joining = MembershipMovedEarlier if customer.joined_order else MembershipStarted
    return joining(
        at=sale.at,
        customer_id=sale.customer_id,
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
    reduced = SpendReduced(
        at=refund.at, customer_id=refund.customer_id, sale_id=refund.sale_id, lines=lines, left_minor=left_minor
    )
    return [reduced, *_ranked(refund.customer_id, standing.counting(standing.sold_at, left_minor), customer)]


def _ranked(customer_id: UUID, standing: Standing, customer: Customer) -> Iterator[TierChanged | ReviewPlanned]:
    """Yield the change of a member's tier, and when to look again: only when what leaves the window may change it."""
    if customer.joined_order is None:
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
        case MembershipStarted(at=at, joined_order=order) | MembershipMovedEarlier(at=at, joined_order=order):
            return replace(customer, joined_at=at, joined_order=order)
        case TierChanged(tier=tier):
            return replace(customer, tier=tier)
        case ReviewPlanned(review_at=review_at):
            return replace(customer, review_at=review_at)
        case SpendCounted() | SpendReduced():
            return customer
