"""The receipts as a list: filled from the service's own feed, read by branch and local day."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query

from contracts.pos import SaleRecorded, SaleRefunded
from shared.http import Here, Route, Who, reading
from shared.message import Envelope
from shared.postgres import Tx
from shared.service import ViewSet

_CLOSED = """
INSERT INTO receipts (sale_id, branch, till, number, closed_at, closed_on, place, currency, lines, net_minor)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::date[], $7::text[],
                     $8::text[], $9::int[], $10::bigint[])
"""
_GIVEN_BACK = """
WITH back AS (
  SELECT sale_id, sum(minor)::bigint AS minor FROM unnest($1::uuid[], $2::bigint[]) AS b (sale_id, minor)
  GROUP BY sale_id
)
UPDATE receipts SET refunded_minor = receipts.refunded_minor + back.minor FROM back
WHERE receipts.sale_id = back.sale_id
"""
_RECEIPTS = """
SELECT sale_id, branch, till, number, closed_at, closed_on, place, currency, lines, net_minor, refunded_minor
FROM receipts WHERE ($1::text IS NULL OR branch = $1) AND ($2::date IS NULL OR closed_on = $2) AND place > $3
ORDER BY place LIMIT $4
"""


async def project(tx: Tx, events: Sequence[Envelope]) -> None:
    """Add receipts, and what was given back of them."""
    sales = [e.event for e in events if isinstance(e.event, SaleRecorded)]
    if sales:
        columns = zip(*(_row(sale) for sale in sales), strict=True)
        await tx.execute(_CLOSED, *(list(column) for column in columns))
    refunds = [e.event for e in events if isinstance(e.event, SaleRefunded)]
    if refunds:
        await tx.execute(_GIVEN_BACK, [r.sale_id for r in refunds], [r.refunded_minor for r in refunds])


async def get_receipts(
    at: Here,
    caller: Who,
    branch: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
    on: date | None = None,
    after: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Return receipts in the order in which they were closed; `next` is where the following page begins."""
    async with reading(at, caller) as tx:
        found = [dict(row) for row in await tx.fetch(_RECEIPTS, branch, on, after, limit)]
    return {"receipts": found, "next": found[-1]["place"] if len(found) == limit else None}


def _row(sale: SaleRecorded) -> tuple[Any, ...]:
    return (
        sale.sale_id,
        sale.branch,
        sale.till,
        sale.number,
        sale.at,
        sale.on,
        sale.order,
        sale.currency,
        len(sale.lines),
        sale.net_minor,
    )


RECEIPTS = ViewSet(Path(__file__).with_name("views.sql"), project)
ROUTES = (Route("GET", "/v1/receipts", get_receipts, frozenset({"headquarters", "staff"})),)
