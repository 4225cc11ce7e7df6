"""What the chain owes its customers in points and money, and its branches each other. Money is minor units."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query

from services.loyalty_points import views
from services.loyalty_points.routes.doing import PEOPLE
from services.loyalty_points.terms import Terms
from shared.http import Here, Route, Who, reading
from shared.policy import policies


async def liability(
    at: Here,
    caller: Who,
    branch: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
    month: Annotated[str | None, Query(pattern=r"^2[01][0-9]{2}-(0[1-9]|1[0-2])$")] = None,
) -> dict[str, Any]:
    """Return by branch and month of earning what is outstanding, and what is owed between branches.

    `minor` is its worth by today's terms, in the chain's currency. `as_of` is when the newest event that is counted was
    recorded, `behind` how many are not counted yet. Staff see what is their branch's.
    """
    on = date.fromisoformat(f"{month}-01") if month else None
    async with reading(at, caller) as tx:
        owed, between, fresh = await views.liability(tx, branch, on)
        terms: Terms = (await policies(tx, Terms)).at(fresh["read_at"]).terms
    worth = terms.point_minor
    return {
        **fresh,
        "point_minor": worth,
        "outstanding": sum(row["outstanding"] for row in owed),
        "minor": sum(row["outstanding"] for row in owed) * worth,
        "liability": [_row(row) | {"minor": row["outstanding"] * worth} for row in owed],
        "between": [_row(row) | {"minor": row["points"] * worth} for row in between],
    }


def _row(row: Any) -> dict[str, Any]:
    return dict(row) | {"month": f"{row['month']:%Y-%m}"}


ROUTES = (Route("GET", "/v1/liability", liability, PEOPLE),)
