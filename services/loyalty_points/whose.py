"""Whose account an id of a customer's leads to: her own, or that of the one she was given up for."""

from typing import TYPE_CHECKING
from uuid import UUID

from shared.postgres import Tx

if TYPE_CHECKING:
    from shared.handling import Handler


async def whose(tx: Tx, handler: "Handler", customer_id: UUID) -> UUID:
    """Return the id; read, never locked."""
    while (account := (await handler.state(tx, "account", customer_id))[1]).moved_to:
        customer_id = account.moved_to
    return customer_id
