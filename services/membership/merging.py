"""Two customers turn out to be one, or one that was merged turns out to be two. Pure.

The one that is given up says so herself, after all else that was said of her; the other takes her in, in the same
transaction. From then on what is told of the first goes on to the other. Merges make chains, never a ring: nobody is
given up twice at once, or for somebody who was given up herself; and the last merge of a chain is split first.
"""

from datetime import timedelta
from typing import Annotated, TypeAlias
from uuid import UUID, uuid5

from pydantic import Field

from contracts.membership import CustomersMerged, CustomersSplit
from services.membership.customer import Customer, Other
from shared.errors import Rejected
from shared.message import Command, Event, Instant
from shared.replacing import replace

Reason = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]

MOMENT = timedelta(microseconds=1)
_MERGES = UUID("2d0b3c5e-6a0f-5b43-9d0e-57b1b7a90c12")


class MergeCustomer(Command):
    """Give a customer up for another, who is the same person; the reason is a code."""

    customer_id: UUID
    into: UUID
    reason: Reason
    erased: tuple[UUID, ...] = ()  # brought by guards.gather: which of the two are no more


class TakeInCustomer(Command):
    """Another was given up for this one."""

    customer_id: UUID
    given_up: UUID
    given: Customer | None = None  # brought by guards.gather: as she was then


class SplitCustomer(Command):
    """They are two after all: undo the merge by which she was given up, where that is the one that stands."""

    customer_id: UUID
    merge_id: UUID | None
    reason: Reason
    survivor: Customer | None = None  # brought by guards.gather: for whom she was given up


class LetGoCustomer(Command):
    """Another, who was given up for this one, is on her own again."""

    customer_id: UUID
    merge_id: UUID


class CustomerTakenIn(Event):
    """Others are this customer, too: the one who was given up, and whoever had been for her."""

    customer_id: UUID
    others: tuple[Other, ...]


class CustomerRestored(Event):
    """She is on her own again; her own joining, and who was given up for her. `reason` is why they were split."""

    customer_id: UUID
    joined_at: Instant | None = None
    joined_order: str | None = None
    others: tuple[Other, ...] = ()
    reason: str


class CustomerLetGo(Event):
    """These are not this customer after all."""

    customer_id: UUID
    others: tuple[UUID, ...]


class MergeExplained(Event):
    """Why a customer was given up, as a code."""

    customer_id: UUID
    merge_id: UUID
    reason: str


MergeCommand: TypeAlias = MergeCustomer | TakeInCustomer | SplitCustomer | LetGoCustomer
MergeEvent: TypeAlias = (
    CustomersMerged | CustomersSplit | CustomerTakenIn | CustomerRestored | CustomerLetGo | MergeExplained
)
COMMANDS = (MergeCustomer, TakeInCustomer, SplitCustomer, LetGoCustomer)
EVENTS = (CustomersMerged, CustomersSplit, CustomerTakenIn, CustomerRestored, CustomerLetGo, MergeExplained)


def merge_of(customer_id: UUID, number: int) -> UUID:
    """Return the id of a customer's first, second … merge."""
    return uuid5(_MERGES, f"{customer_id}/{number}")


def decide(command: MergeCommand, customer: Customer) -> list[MergeEvent]:
    """Return the events `command` causes: the same again says nothing; raise Rejected."""
    match command:
        case MergeCustomer():
            return _merge(command, customer)
        case TakeInCustomer():
            return _take_in(command, customer)
        case SplitCustomer():
            return _split(command, customer)
        case LetGoCustomer():
            return _let_go(command, customer)


def _merge(command: MergeCustomer, customer: Customer) -> list[MergeEvent]:
    who, into = command.customer_id, command.into
    if who == into:
        raise Rejected("merge-with-itself", customer_id=who)
    if customer.moved_to == into:
        return []
    if customer.moved_to:
        raise Rejected("already-merged", customer_id=who, into=customer.moved_to)
    for erased in command.erased:
        raise Rejected("customer-erased", customer_id=erased)
    merge_id = merge_of(who, customer.merges + 1)
    # whoever hears of merges in another order tells by their instants which one was the later
    at = max((command.at, *(other.merged_at + MOMENT for other in customer.others)))
    return [
        MergeExplained(at=at, customer_id=who, merge_id=merge_id, reason=command.reason),
        CustomersMerged(at=at, customer_id=who, into=into, merge_id=merge_id),
    ]


def _take_in(command: TakeInCustomer, customer: Customer) -> list[MergeEvent]:
    if customer.moved_to:
        raise Rejected("already-merged", customer_id=command.customer_id, into=customer.moved_to)
    given = command.given
    if given is None or given.merge_id is None or given.merged_at is None or customer.other(command.given_up):
        return []
    own = Other(
        command.given_up, command.customer_id, given.merge_id, given.merged_at, given.joined_at, given.joined_order
    )
    return [CustomerTakenIn(at=command.at, customer_id=command.customer_id, others=(own, *given.others))]


def _split(command: SplitCustomer, customer: Customer) -> list[MergeEvent]:
    survivor, into = command.survivor, customer.moved_to
    if into is None or survivor is None or customer.merge_id is None or customer.merge_id != command.merge_id:
        raise Rejected("not-merged", customer_id=command.customer_id)
    if survivor.moved_to:
        raise Rejected("merged-on", customer_id=into, into=survivor.moved_to)
    own = survivor.other(command.customer_id)
    assert own
    return [
        CustomersSplit(
            at=command.at,
            customer_id=command.customer_id,
            merged_into=into,
            merge_id=customer.merge_id,
            merged_at=own.merged_at,
        ),
        CustomerRestored(
            at=command.at,
            customer_id=command.customer_id,
            joined_at=own.joined_at,
            joined_order=own.joined_order,
            others=survivor.under(command.customer_id),
            reason=command.reason,
        ),
    ]


def _let_go(command: LetGoCustomer, customer: Customer) -> list[MergeEvent]:
    gone = next((other for other in customer.others if other.merge_id == command.merge_id), None)
    if gone is None:
        return []
    others = (gone.customer_id, *(other.customer_id for other in customer.under(gone.customer_id)))
    return [CustomerLetGo(at=command.at, customer_id=command.customer_id, others=others)]


def evolve(customer: Customer, event: MergeEvent) -> Customer:
    """Return the customer after `event`."""
    match event:
        case CustomersMerged(at=at, into=into, merge_id=merge_id):
            return replace(customer, moved_to=into, merge_id=merge_id, merged_at=at, merges=customer.merges + 1)
        case CustomersSplit():
            return replace(customer, moved_to=None, merge_id=None, merged_at=None)
        case CustomerRestored():
            own = replace(customer, joined_at=event.joined_at, joined_order=event.joined_order)
            return replace(own, others=event.others)
        case CustomerTakenIn(others=others):
            return replace(customer, others=(*customer.others, *others))
        case CustomerLetGo(others=gone):
            return replace(customer, others=tuple(one for one in customer.others if one.customer_id not in gone))
        case MergeExplained():
            return customer
