"""The answers that headquarters gives as JSON: the chain's figures, its customers, and one across all branches."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.projection.readers import READERS, scope_of
from services.projection.views.customer import CustomerView, customer_view
from services.projection.views.customer_list import CustomerList, customer_list
from services.projection.views.snapshot import snapshot
from services.projection.views.summary import Summary, summary
from shared.errors import Missing
from shared.http import Here, Route, Who

LARGEST_PAGE = 500


async def chain_summary(
    at: Here,
    caller: Who,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    branch: str | None = None,
) -> Summary:
    """Answer with the figures of all branches, or of one; staff see their own."""
    scope = scope_of(caller, branch)
    async with snapshot(at.pool, scope) as tx:
        told = await summary(tx, first, last)
    if branch and not told.branches:
        raise Missing("branch-unknown", branch=branch)
    return told


async def customers(
    at: Here, caller: Who, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100
) -> CustomerList:
    """Answer with a page of customers; staff see what each spent at their own branch, and what holds everywhere."""
    async with snapshot(at.pool, scope_of(caller, None)) as tx:
        return await customer_list(tx, after, limit)


async def customer(at: Here, caller: Who, customer_id: UUID) -> CustomerView:
    """Answer with what is known of a customer; staff see the visits to their own branch, and what holds everywhere."""
    scope = scope_of(caller, None)
    async with snapshot(at.pool, scope) as tx:
        return await customer_view(tx, customer_id, scope)


ROUTES = (
    Route("GET", "/v1/chain/summary", chain_summary, READERS),
    Route("GET", "/v1/customers", customers, READERS),
    Route("GET", "/v1/customers/{customer_id}", customer, READERS),
)
