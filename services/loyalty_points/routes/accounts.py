"""All accounts, some at a time, each as GET /v1/accounts/{customer_id} answers: for who audits the ledger."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.loyalty_points.domain import Account
from services.loyalty_points.routes.account import NOW, as_it_stands, known_of
from shared.http import Here, Route

MOST = 100
MOST_EVENTS = 2_000  # of all accounts of an answer, unless one alone has more

_AUDITORS = frozenset({"headquarters", "service"})


async def accounts(
    at: Here, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=MOST)] = MOST
) -> dict[str, Any]:
    """Answer in the order of ids; `next` is the `after` of the answer behind it, null when there are no more.

    Accounts come with all their entries, so there may be fewer than `limit`, and others follow. One that was given up
    for another is not among them: its points are the other's.
    """
    async with at.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        found: dict[UUID, tuple[int, Account]] = await at.handler.page(tx, "account", after, limit)
        some = _some(found)
        histories = await at.handler.histories(tx, "account", [one for one in some if not some[one].moved_to])
        now: datetime = await tx.fetchval(NOW)
    told = [as_it_stands(one, some[one], known_of(own), now) for one, own in histories.items()]
    is_last = len(found) < limit and len(some) == len(found)
    return {"accounts": told, "next": None if is_last else next(reversed(some))}


def _some(found: Mapping[UUID, tuple[int, Account]]) -> dict[UUID, Account]:
    """Return the first of them, whose events are not too many together."""
    some: dict[UUID, Account] = {}
    events = 0
    for customer_id, (version, account) in found.items():
        events += 0 if account.moved_to else version
        if some and events > MOST_EVENTS:
            break
        some[customer_id] = account
    return some


ROUTES = (Route("GET", "/v1/accounts", accounts, _AUDITORS),)
