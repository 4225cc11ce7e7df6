"""The tills as staff and headquarters see them: what is missing of what they sent, and what was set aside."""

from typing import Annotated, Any

import orjson
from fastapi import Query

from shared.http import Here, Route, Who, reading

MOST_PIECES = 100  # of one till, that are told

_TILLS = """
SELECT t.till, t.branch, t.kind, t.high, t.parked, t.flagged, t.last_seen_at,
       gaps.missing::text AS missing, gaps.missing_count, waiting.count AS waiting, waiting.since AS waiting_since
FROM till t
CROSS JOIN LATERAL (
  SELECT coalesce(json_agg(json_build_array(first, last) ORDER BY first) FILTER (WHERE place <= $1), '[]') AS missing,
         coalesce(sum(last - first + 1), 0)::bigint AS missing_count
  FROM (SELECT first, last, row_number() OVER (ORDER BY first) AS place FROM till_gap g WHERE g.till = t.till) AS pieces
) AS gaps
CROSS JOIN LATERAL (
  SELECT count(*) AS count, min(waits_since) AS since FROM waiting_refund w WHERE w.till = t.till
) AS waiting
ORDER BY t.branch, t.till
"""
_QUARANTINE = """
SELECT id, branch, till, seq, code, facts::text AS facts, kept, parked_at FROM quarantine
WHERE id > $1 ORDER BY id LIMIT $2
"""


async def get_tills(at: Here, caller: Who) -> list[dict[str, Any]]:
    """Return the tills; `missing` are spans, inclusive, the first hundred of them."""
    async with reading(at, caller) as tx:
        found = await tx.fetch(_TILLS, MOST_PIECES)
    return [{**dict(row), "missing": orjson.loads(row["missing"])} for row in found]


async def get_quarantine(
    at: Here,
    caller: Who,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Return what was set aside, oldest first; `kept` are the vault's references for what was sent."""
    async with reading(at, caller) as tx:
        found = await tx.fetch(_QUARANTINE, after, limit)
    items = [{**dict(row), "facts": orjson.loads(row["facts"])} for row in found]
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}


ROUTES = (
    Route("GET", "/v1/tills", get_tills, frozenset({"headquarters", "staff", "service"})),
    Route("GET", "/v1/quarantine", get_quarantine, frozenset({"headquarters", "staff"})),
)
