"""All accounts, a page at a time, each as its own page has it: for who audits the ledger, or takes it along."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.loyalty_points.routes.account import read_page
from services.loyalty_points.routes.doing import PEOPLE
from shared.http import Here, Route

LARGEST_PAGE = 100  # an account comes with all its entries


async def accounts(
    at: Here, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE
) -> dict[str, Any]:
    """Answer in the order of ids; `next` is the `after` of the page behind it.

    An account that was given up for another one is not among them, so that a page may be short, and others follow.
    """
    told, more = await read_page(at, after, limit)
    return {"accounts": [one.as_it_stands for one in told], "next": more}


ROUTES = (Route("GET", "/v1/accounts", accounts, PEOPLE),)
