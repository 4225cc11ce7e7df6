"""What a merge's rules must know of the other customer, and what of hers moves: identities, and what she has spent."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import TypeAdapter

from contracts.membership import CustomersMerged
from services.membership.customer import Customer
from services.membership.merging import CustomerRestored, MergeCustomer, SplitCustomer, TakeInCustomer
from shared.message import Command, Event
from shared.postgres import Tx

_ERASED = "SELECT customer_id FROM person WHERE customer_id = ANY($1::uuid[]) AND erased_at IS NOT NULL ORDER BY 1"
_STATE = "SELECT state::text FROM stream WHERE id = $1"
_MERGED_INTO = "SELECT (state ->> 'moved_to')::uuid FROM stream WHERE id = $1"
_MOVE_SPEND = "UPDATE spend SET owner = $2 WHERE owner = $1"
_MOVE_IDENTITY = """
UPDATE identity SET met_as = coalesce(met_as, customer_id), customer_id = $2 WHERE customer_id = $1
"""
_RETURN_SPEND = "UPDATE spend SET owner = $1 WHERE customer_id = ANY($2::uuid[])"
_RETURN_IDENTITY = "UPDATE identity SET customer_id = $1 WHERE met_as = ANY($2::uuid[])"

_CUSTOMER = TypeAdapter(Customer)


async def brought(tx: Tx, commands: Sequence[Command]) -> list[Command]:
    """Return the commands with what those about merges must know."""
    return [await _brought(tx, command) for command in commands]


async def _brought(tx: Tx, command: Command) -> Command:
    match command:
        case MergeCustomer():
            rows = await tx.fetch(_ERASED, [command.customer_id, command.into])
            return command.model_copy(update={"erased": tuple(row["customer_id"] for row in rows)})
        case TakeInCustomer(given_up=given_up):
            return command.model_copy(update={"given": await _known(tx, given_up)})
        case SplitCustomer(customer_id=customer_id):
            into = await tx.fetchval(_MERGED_INTO, customer_id)
            return command.model_copy(update={"survivor": await _known(tx, into) if into else None})
        case _:
            return command


async def _known(tx: Tx, customer_id: UUID) -> Customer | None:
    """Return a customer as this transaction has left her: her stream is held by it, and of today's shape."""
    state = await tx.fetchval(_STATE, customer_id)
    return _CUSTOMER.validate_json(state) if state else None


async def keep_merges(tx: Tx, told: Sequence[Event]) -> None:
    """Move what is found and counted under ids that were given up, and give it back."""
    for event in told:
        match event:
            case CustomersMerged(customer_id=customer_id, into=into):
                await tx.execute(_MOVE_SPEND, customer_id, into)
                await tx.execute(_MOVE_IDENTITY, customer_id, into)
            case CustomerRestored(customer_id=customer_id, others=others):
                own = [customer_id, *(other.customer_id for other in others)]
                await tx.execute(_RETURN_SPEND, customer_id, own)
                await tx.execute(_RETURN_IDENTITY, customer_id, own)
