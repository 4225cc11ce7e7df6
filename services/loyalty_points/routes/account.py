"""A customer's account, with the entries that make it. Points are whole."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty_points.domain import Account
from services.loyalty_points.routes.doing import ONE, PEOPLE
from services.loyalty_points.statement import entry
from shared.errors import Missing
from shared.http import Here, Route

_NOW = "SELECT clock_timestamp()"


async def account(customer_id: UUID, at: Here) -> dict[str, Any]:
    """Return the account as it is now; an entry's `at` is when it happened, their order is that of the books."""
    async with at.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        version, account = await at.handler.state(tx, "account", customer_id)
        told = await at.handler.history(tx, "account", customer_id)
        now = await tx.fetchval(_NOW)
    if version == 0:
        raise Missing("account-unknown", customer_id=str(customer_id))
    entries = [shown for envelope in told if (shown := entry(envelope.event))]
    return {"customer_id": customer_id, **_standing(account, now), "entries": entries}


def _standing(account: Account, now: datetime) -> dict[str, Any]:
    soonest = next(iter(account.expiring(now)), None)
    available = account.available(now)
    return {
        "balance": available,
        "available": available,
        "pending": account.waiting(now),
        "reserved": account.reserved(now),
        "debt": account.as_of(now).debt,
        "next_expiry": {"at": soonest.expires_at, "points": soonest.points} if soonest else None,
        "earned": account.earned,
        "taken_back": account.taken_back,
        "redeemed": account.redeemed,
        "expired": account.expired,
        "forgiven": account.forgiven,
        "member_since": account.member_since,
    }


ROUTES = (Route("GET", ONE, account, PEOPLE),)
