"""How far every part of a service is: one JSON for operators, and the same figures as metrics. Ages are seconds."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import telemetry
from shared.http import Here, Route
from shared.parked_route import PARKED
from shared.tokens import OPERATORS

if TYPE_CHECKING:
    from shared.running import Running

_STATUS = """
SELECT h.epoch, h.number, coalesce(r.number, 0) AS relayed,
  (SELECT count(*) FROM event e WHERE e.seq > coalesce((SELECT max(seq) FROM feed), 0)) AS unnumbered,
  (SELECT count(*) FROM feed f WHERE f.part IS NOT NULL AND f.number > coalesce(r.number, 0)) AS unrelayed,
  (SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8 FROM feed f JOIN event e USING (seq)
   WHERE f.part IS NOT NULL AND f.number > coalesce(r.number, 0) ORDER BY f.number LIMIT 1) AS oldest_unrelayed,
  (SELECT count(*) FROM timer WHERE due_at < clock_timestamp() AND fired_at IS NULL) AS overdue,
  (SELECT count(*) FROM refused) AS refused,
  (SELECT count(*) FROM lost_event WHERE NOT is_in_store) AS lost,
  (SELECT greatest(h.number - max(v.number), 0) FROM view_set v WHERE live) AS views_behind
FROM feed_head h LEFT JOIN relay_cursor r ON r.relay = 'kafka'
"""
_PLACES = "SELECT consumer, topic, part, next_offset FROM consumed ORDER BY consumer, topic, part"
_HALTED = "SELECT consumer, topic FROM halted"
_SET_ASIDE = "SELECT consumer, topic, count(*) AS set_aside FROM set_aside GROUP BY consumer, topic"

Named = tuple[str, str]


async def status(at: Here) -> Response:
    """Answer with how far each part is; what is not known here, for another process does it, is null."""
    return Response(orjson.dumps(await collect(at), default=str), media_type="application/json")


async def metrics(at: Here) -> Response:
    """Answer with the metrics, the gauges as of now."""
    told = await collect(at)
    telemetry.FEED_HEAD.set(told["feed"]["number"])
    telemetry.RELAY_LAG_EVENTS.set(told["feed"]["unrelayed"])
    telemetry.RELAY_LAG_SECONDS.set(told["feed"]["oldest_unrelayed_seconds"])
    telemetry.TIMERS_OVERDUE.set(told["timers"]["overdue"])
    telemetry.REFUSED.set(told["refused"])
    telemetry.VIEWS_BEHIND.set(told["views"]["behind"] or 0)
    for one in told["consumers"]:
        named = (one["consumer"], one["topic"])
        telemetry.PARKED_KEYS.labels(*named).set(len(one["parked"]))
        if one["lag_events"] is not None:
            telemetry.CONSUMER_LAG_EVENTS.labels(*named).set(one["lag_events"])
            telemetry.CONSUMER_LAG_SECONDS.labels(*named).set(one["lag_seconds"])
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def collect(running: "Running") -> dict[str, Any]:
    """Return the figures of every part."""
    async with running.pool.acquire() as tx:
        row = await tx.fetchrow(_STATUS)
    assert row
    views = running.service.views
    follows = views is not None and not views.hears and row["views_behind"] is not None
    return {
        "service": running.service.name,
        "feed": {
            "epoch": row["epoch"],
            "number": row["number"],
            "relayed": row["relayed"],
            "unrelayed": (row["unrelayed"] + row["unnumbered"]) if running.service.says else 0,
            "oldest_unrelayed_seconds": row["oldest_unrelayed"] or 0,
            "lost": row["lost"],
        },
        "consumers": await _consumers(running),
        "timers": {"overdue": row["overdue"]},
        "views": {
            "behind": row["views_behind"] + row["unnumbered"] if follows else None,
            "live": running.views_live.is_set(),
        },
        "refused": row["refused"],
    }


async def _consumers(running: "Running") -> list[dict[str, Any]]:
    """Return each consumer's lag and what waits at it. The ends are asked for first: a lag is never too large."""
    hearers = list(running.hearers)
    # side by side: each waits until the broker has answered what its consumer is waiting for
    found = await asyncio.gather(*(one.ends() for one in hearers))
    ends = {(one.name, one.topic): ends for one, ends in zip(hearers, found, strict=True)}
    since = {(one.name, one.topic): one.behind_since for one in hearers}
    async with running.pool.acquire() as tx:
        places = await tx.fetch(_PLACES)
        parked = await tx.fetch(PARKED)
        halted = {(row["consumer"], row["topic"]) for row in await tx.fetch(_HALTED)}
        aside = {(row["consumer"], row["topic"]): row["set_aside"] for row in await tx.fetch(_SET_ASIDE)}
    by_name: dict[Named, dict[int, int]] = defaultdict(dict)
    for row in places:
        by_name[row["consumer"], row["topic"]][row["part"]] = row["next_offset"]
    return [
        {
            "consumer": named[0],
            "topic": named[1],
            "lag_events": _lag(ends.get(named), by_name[named]),
            "lag_seconds": _age(since[named]) if named in since else None,
            "parked": [_waiting(row) for row in parked if (row["consumer"], row["topic"]) == named],
            "halted": named in halted,
            "set_aside": aside.get(named, 0),
        }
        for named in sorted(by_name | ends)
    ]


def _lag(ends: Mapping[int, int] | None, places: Mapping[int, int]) -> int | None:
    """Return the records not yet applied, repeats and beats among them; none when Kafka was not asked."""
    return sum(max(0, end - places.get(part, 0)) for part, end in ends.items()) if ends else None


def _age(since: datetime | None) -> float:
    return max(0.0, (datetime.now(UTC) - since).total_seconds()) if since else 0.0


def _waiting(row: asyncpg.Record) -> dict[str, Any]:
    return {name: row[name] for name in ("key", "since", "cause", "waiting")}


ROUTES = (
    Route("GET", "/v1/status", status, OPERATORS),
    Route("GET", "/metrics", metrics, OPERATORS),
)
