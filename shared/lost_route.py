"""`GET /v1/lost`: what rebases of this service's store have found in Kafka above their cuts."""

from typing import Annotated, Any

from fastapi import Query

from shared.http import Here, Route
from shared.tokens import OPERATORS

_LOST = """
SELECT event_id AS id, type, partition_key AS key, recorded_at, is_in_store, applied_by, waits_at, begun AS epoch
FROM lost_event ORDER BY begun DESC, epoch, number LIMIT $1
"""


async def lost(at: Here, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> list[dict[str, Any]]:
    """Return the events, the latest rebase first: those that are gone, and those that the store told again."""
    async with at.pool.acquire() as tx:
        return [dict(row) for row in await tx.fetch(_LOST, limit)]


ROUTES = (Route("GET", "/v1/lost", lost, OPERATORS),)
