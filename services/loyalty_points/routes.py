"""The points ledger's endpoint: a customer's balance, and the entries that make it."""

from typing import Any
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from shared.errors import Missing
from shared.http import Here, Route
from shared.message import Event

KINDS = {PointsEarned: "earned", PointsTakenBack: "taken-back"}


async def account(customer_id: UUID, at: Here) -> dict[str, Any]:
    """Return the account as it is now; an entry's `at` is when it happened, their order is that of the books."""
    async with at.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        version, account = await at.handler.state(tx, "account", customer_id)
        told = await at.handler.history(tx, "account", customer_id)
    if version == 0:
        raise Missing("account-unknown", customer_id=str(customer_id))
    return {
        "customer_id": customer_id,
        "balance": account.balance,
        "debt": account.debt,
        "earned": account.earned,
        "taken_back": account.taken_back,
        "member_since": account.member_since,
        "entries": [entry for envelope in told if (entry := _entry(envelope.event))],
    }


def _entry(event: Event) -> dict[str, Any] | None:
    if not isinstance(event, PointsEarned | PointsTakenBack):
        return None
    fields = {"at", "points", "balance", "debt", "sale_id", "branch", "on", "policy_version"}
    return {"kind": KINDS[type(event)], **event.model_dump(include=fields)}


ROUTES = (Route("GET", "/v1/accounts/{customer_id}", account, frozenset({"staff", "headquarters"})),)
