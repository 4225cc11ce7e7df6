"""A customer's statement, as a page to read and print. Days are local to the branch that she was at last."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from services.loyalty_points.routes.account import EARLIEST, LATEST, read
from services.loyalty_points.routes.doing import ONE, PEOPLE
from services.loyalty_points.statement.period import statement, zone_of
from services.loyalty_points.statement.rendering import HEADERS, page
from shared.http import Here, Problem, Route
from shared.wording import choose

Day = Annotated[date | None, Field(ge=EARLIEST.date(), lt=LATEST.date())]


async def show(
    request: Request,
    customer_id: UUID,
    at: Here,
    first_on: Annotated[Day, Query(alias="from")] = None,
    last_on: Annotated[Day, Query(alias="to")] = None,
    lang: Literal["zh", "en"] | None = None,
) -> HTMLResponse:
    """Show what came and went from one day to another, this year's until today where they are left out."""
    told = await read(at, customer_id)
    today = told.now.astimezone(ZoneInfo(zone_of(told.events))).date()
    last_on = last_on or today
    first_on = first_on or date(last_on.year, 1, 1)
    if first_on > last_on:
        raise Problem(422, "period-ends-before-it-begins", first_on=str(first_on), last_on=str(last_on))
    language = choose("zh_CN" if lang == "zh" else lang, None, request.headers.get("accept-language", ""))
    made = statement(told.events, first_on, last_on, told.now, told.customer_id)
    return HTMLResponse(page(made, str(told.customer_id), language), headers=HEADERS)


ROUTES = (Route("GET", ONE + "/statement", show, PEOPLE),)
