"""How far a cell's stores are, and what has not come as far yet: asked of the tables, not of the services."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from branchline import catalogue
from deploy.local.places import SERVICES
from shared.settings import Settings

_HEAD = "SELECT number, last_public::text AS last_public FROM {schema}.feed_head"
_CURSOR = "SELECT number FROM {schema}.relay_cursor WHERE relay = 'kafka'"
_PLACES = "SELECT consumer, topic, part, epoch, number FROM {schema}.consumed"
_VIEWS = "SELECT number FROM {schema}.view_set WHERE live"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Position = tuple[int, int]


@dataclass(frozen=True)
class Marks:
    """By service: the last number of its feed, and by topic and partition the position of the last public event."""

    heads: dict[str, int]
    lasts: dict[tuple[str, int], Position]


async def marks(connection: Connection, settings: Settings) -> Marks:
    """Return how far every store is now."""
    heads, lasts = {}, {}
    for name in SERVICES:
        row = await connection.fetchrow(_of(_HEAD, settings, name))
        assert row
        heads[name] = row["number"]
        for part, (epoch, number) in json.loads(row["last_public"]).items():
            lasts[settings.topic(name), int(part)] = (epoch, number)
    return Marks(heads, lasts)


async def missing(connection: Connection, settings: Settings, held: Marks) -> list[str]:
    """Return a line for each relay, consumer and view that has not come as far as the marks."""
    return [line for name in SERVICES for line in await _behind(connection, settings, held, name)]


async def _behind(connection: Connection, settings: Settings, held: Marks, name: str) -> list[str]:
    service = catalogue.service(name)
    lines = []
    if service.says and (at := await connection.fetchval(_of(_CURSOR, settings, name))) < held.heads[name]:
        lines.append(f"the relay of {name} is at {at} of {held.heads[name]}")
    places = await connection.fetch(_of(_PLACES, settings, name))
    lines += _unheard(held, places)
    heard = {row["topic"] for row in places}
    speakers = [one.speaker for one in service.hears]
    speakers += [one.speaker for one in service.views.hears] if service.views else []
    lines += [f"{name} has not begun to hear {s}" for s in speakers if settings.topic(s) not in heard]
    if service.views and not service.views.hears:
        at = await connection.fetchval(_of(_VIEWS, settings, name))
        if at is None or at < held.heads[name]:
            lines.append(f"the views of {name} are at {at} of {held.heads[name]}")
    return lines


def _unheard(held: Marks, places: list[asyncpg.Record]) -> Iterator[str]:
    for row in places:
        last = held.lasts.get((row["topic"], row["part"]), (0, 0))
        if (row["epoch"], row["number"]) < last:
            yield f"{row['consumer']} is at {row['number']} of {last[1]} in {row['topic']}/{row['part']}"


def _of(query: str, settings: Settings, service: str) -> str:
    return query.replace("{schema}", settings.schema(service))
