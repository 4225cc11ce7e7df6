"""Membership's endpoints: the vault for other services, a customer's standing, and the list of members."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from contracts.membership import Keep, Kept, Resolve, Resolved, Reveal, Revealed
from services.membership import views
from services.membership.birthdays import ROUTES as BIRTHDAYS
from services.membership.domain import ReviewTier
from services.membership.guards import gather
from services.membership.merges import ROUTES as MERGES
from services.membership.merges import survivor
from services.membership.vault import Vault
from shared.http import Here, Route, Who, Why, reading

LARGEST_PAGE = 500
LARGEST_KEPT = 40 * 1024 * 1024
SERVICE = frozenset({"service"})
PEOPLE = frozenset({"staff", "headquarters"})


async def resolve(asked: Resolve, at: Here, cause: Why) -> Resolved:
    return Resolved(people=await Vault(at).resolve(asked.people, cause))


async def keep(asked: Keep, at: Here) -> Kept:
    return Kept(references=await Vault(at).keep(asked.texts))


async def reveal(asked: Reveal, at: Here, caller: Who) -> Revealed:
    return await Vault(at).reveal(asked, caller.actor)


async def customer(customer_id: UUID, at: Here) -> dict[str, Any]:
    """Return a customer's state as it is now: one sees what one wrote. Of one who was given up, the other's."""
    async with at.pool.acquire() as tx, tx.transaction(readonly=True):
        customer_id, customer = await survivor(at, tx, customer_id)
        weighed = await gather(tx, [ReviewTier(at=datetime.now(UTC), customer_id=customer_id)])
    review = weighed[0]
    assert isinstance(review, ReviewTier)
    return {
        "customer_id": customer_id,
        "registered_at": customer.registered_at,
        "member": customer.is_member,
        "joined_at": customer.member_since,
        "tier": customer.tier,
        "spend_minor": review.standing.spend_minor if review.standing else 0,
        "merged": [
            {"customer_id": other.customer_id, "into": other.into, "merged_at": other.merged_at}
            for other in customer.others
        ],
    }


async def members(
    at: Here, caller: Who, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100
) -> dict[str, Any]:
    """Return a page of members in the order of joining; `next` is the `after` of the page behind it."""
    async with reading(at, caller) as tx:
        rows = await views.page(tx, after, limit)
    more = rows[-1]["customer_id"] if len(rows) == limit else None
    return {"members": [dict(row) for row in rows], "next": more}


ROUTES = (
    Route("POST", "/v1/vault/resolve", resolve, SERVICE),
    Route("POST", "/v1/vault/keep", keep, SERVICE, cap=LARGEST_KEPT),
    Route("POST", "/v1/vault/reveal", reveal, SERVICE),
    Route("GET", "/v1/customers/{customer_id}", customer, PEOPLE),
    Route("GET", "/v1/members", members, PEOPLE),
    *MERGES,
    *BIRTHDAYS,
)
