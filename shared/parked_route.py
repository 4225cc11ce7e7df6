"""What waits for an operator at a service's consumers, seen and redriven over HTTP."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.applying import Applier
from shared.errors import Missing
from shared.http import Here, Route
from shared.running import Running
from shared.tokens import OPERATORS

HEADQUARTERS = frozenset({"headquarters"})

PARKED = """
SELECT p.consumer, p.topic, p.partition_key AS key, p.since, p.cause, count(d.id) AS waiting, max(d.tries) AS tries,
       (array_agg(d.error ORDER BY d.id))[1] AS error
FROM parked_key p LEFT JOIN dead_letter d ON d.consumer = p.consumer AND d.topic = p.topic
  AND d.partition_key = p.partition_key AND d.redriven_at IS NULL
GROUP BY p.consumer, p.topic, p.partition_key ORDER BY p.since, p.partition_key
"""


class Redrive(BaseModel):
    """Which keys to try again; without a key, all of the consumer's for the topic."""

    model_config = ConfigDict(extra="forbid")

    consumer: str
    topic: str
    key: str | None = None


async def parked(at: Here) -> list[dict[str, Any]]:
    """Return the parked keys, the longest parked first."""
    async with at.pool.acquire() as tx:
        return [dict(row) for row in await tx.fetch(PARKED)]


async def try_again(body: Redrive, at: Here) -> dict[str, Any]:
    """Apply what waits, in order; a key whose letter fails again stays parked, and says why."""
    from shared.redrive import redrive

    found = [one for one in _appliers(at) if (one.consumer, one.topic) == (body.consumer, body.topic)]
    if not found:
        raise Missing("consumer-unknown", consumer=body.consumer, topic=body.topic)
    outcome = await redrive(found[0], body.key)
    return {"keys": [{"key": one.key, "applied": one.applied, "error": one.error} for one in outcome]}


def _appliers(running: Running) -> list[Applier]:
    # FastStream comes with the consumers: a process that only answers has no use for it
    from shared.hearers import hearers
    from shared.reacting import reactor

    reactors = [reactor(running, hearing) for hearing in running.service.hears]
    return [one.applier for one in (*reactors, *hearers(running))]


ROUTES = (
    Route("GET", "/v1/parked", parked, OPERATORS),
    Route("POST", "/v1/parked/redrive", try_again, HEADQUARTERS),
)
