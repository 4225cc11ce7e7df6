"""`GET /v1/feed`: what a service has said up to its relay's cursor, in JSON lines, for where Kafka has it no more."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from shared.channel import read_position, write_position
from shared.cloudevent import line
from shared.feed_page import cursor, epoch, relayed
from shared.http import Here, Route
from shared.message import BEGINNING
from shared.problems import Problem

SERVICE = frozenset({"service"})
PRESET_LIMIT, LARGEST_LIMIT = 2000, 10_000


async def feed(
    at: Here,
    part: Annotated[int | None, Query(ge=0, le=32767)] = None,
    after: str = write_position(BEGINNING),
    limit: Annotated[int, Query(ge=0, le=LARGEST_LIMIT)] = PRESET_LIMIT,
) -> Response:
    """Return the public events after a position, of one partition or all, in feed order.

    Headers say how far the relay is, and in which epoch the store is by now.
    """
    try:
        start = read_position(after)
    except ValueError as error:
        raise Problem(422, "malformed", after=after) from error
    async with at.pool.acquire() as tx:
        told = {"feed-epoch": str(await epoch(tx)), "feed-cursor": write_position(await cursor(tx))}
        rows = await relayed(tx, start, limit, part) if limit else []
    body = b"".join(line(row, at.service.name) for row in rows)
    return Response(body, media_type="application/x-ndjson", headers=told)


ROUTES = (Route("GET", "/v1/feed", feed, SERVICE),)
