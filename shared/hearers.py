"""The consumers that fill views from topics, and whether a build has heard what it needs to be read. Times are seconds.

A build has heard enough when a speaker's feed, up to its relay's cursor, has nothing more for it but what is FRESH and
not shown yet. A cursor that was set back says nothing of what is above it: one that is below what the views that are
read have heard is waited for. Bare places are not compared, for a partition that says nothing may stand higher there,
but where it moved since: what those views were told while the feed was asked is on its way to the build too.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from shared.channel import read_position, write_position
from shared.consumer import Consumer
from shared.errors import Unavailable
from shared.failpoints import reached
from shared.message import BEGINNING, Envelope, Position, Vocabulary
from shared.peer import PeerRefused
from shared.postgres import Tx
from shared.rebuild import ViewTables
from shared.running import Running, pause

PAGE = 2000
ON_ITS_WAY = 0.25  # what readers see comes to a build, and a page's end to the relay's cursor, a little later
KEEPS_UP, LOOKS_EVERY = timedelta(seconds=1), timedelta(milliseconds=20)  # a build, beside views that are held
FRESH = timedelta(seconds=2)  # what is younger need not have been heard for a rebuilt view to be put in place

_PLACES = "SELECT part, epoch, number FROM consumed WHERE consumer = $1 AND topic = $2"

_Places = dict[int, Position]
Shown = dict[str, _Places]


class _Page(NamedTuple):
    cursor: Position
    lines: list[dict[str, Any]]


def hearers(running: Running) -> list[Consumer]:
    """Return the consumers that fill the views from topics; none where they follow the own feed."""
    if running.service.views is None or not running.service.views.hears:
        return []
    tables = ViewTables(running)
    own = replace(running, start_from="beginning")
    return [
        Consumer(
            own,
            tables.consumer,
            heard.speaker,
            Vocabulary(heard.events),
            _Effect(running, tables),
            most_at_once=PAGE,
            bell=running.projected,
        )
        for heard in running.service.views.hears
    ]


class _Effect:
    """What a page of another service's events does: fill the tables where they are."""

    def __init__(self, running: Running, tables: ViewTables) -> None:
        self._running, self._tables = running, tables

    async def __call__(self, tx: Tx, told: Sequence[Envelope]) -> None:
        assert self._running.service.views
        await self._tables.enter(tx, alone=False)
        await self._running.service.views.project(tx, told)
        await reached("view.heard-projected")


async def shown(running: Running, tables: ViewTables, tx: Tx) -> Shown:
    """Return what the views that are read have heard, by speaker."""
    assert running.service.views
    live = await tables.live_consumer(tx)
    return {heard.speaker: await _places(running, tx, live, heard.speaker) for heard in running.service.views.hears}


async def has_heard_all(running: Running, tables: ViewTables, before: Shown) -> bool:
    """Return whether a build has heard of every speaker what it needs to be read; raise Unavailable."""
    await pause(running, ON_ITS_WAY)
    for speaker, places in before.items():
        if not await _has_heard(running, tables, speaker, places):
            return False
    return True


async def has_kept_up(running: Running, tables: ViewTables, before: Shown, tx: Tx) -> bool:
    """Return whether a build hears what the views, which the transaction holds, have heard since `before`."""
    now = await shown(running, tables, tx)
    since = {speaker: _moved(places, before[speaker]) for speaker, places in now.items()}
    for _look in range(KEEPS_UP // LOOKS_EVERY):
        built = {speaker: await _places(running, tx, tables.consumer, speaker) for speaker in since}
        if all(_moved(places, built[speaker]) == {} for speaker, places in since.items()):
            return True
        await pause(running, LOOKS_EVERY.total_seconds())
    return False


def _moved(places: _Places, before: _Places) -> _Places:
    return {part: last for part, last in places.items() if last > before.get(part, BEGINNING)}


async def _built(running: Running, tables: ViewTables, speaker: str) -> _Places:
    async with running.pool.acquire() as tx:
        return await _places(running, tx, tables.consumer, speaker)


async def _places(running: Running, tx: Tx, consumer: str | None, speaker: str) -> _Places:
    rows = await tx.fetch(_PLACES, consumer, running.settings.topic(speaker))
    return {row["part"]: Position(row["epoch"], row["number"]) for row in rows}


async def _has_heard(running: Running, tables: ViewTables, speaker: str, before: _Places) -> bool:
    """Return whether a speaker's feed has nothing that the build lacks and readers would miss."""
    places = await _built(running, tables, speaker)
    after, is_last = min(places.values(), default=BEGINNING), not places
    while not is_last:
        cursor, lines = await _page(running, speaker, after)
        places = await _built(running, tables, speaker)
        if cursor < max(before.values(), default=BEGINNING) or any(_is_missed(line, places, before) for line in lines):
            return False
        is_last = len(lines) < PAGE
        after = after if is_last else Position(*lines[-1]["position"])
    return bool(places)


async def _page(running: Running, speaker: str, after: Position) -> _Page:
    path = f"/v1/feed?after={write_position(after)}&limit={PAGE}"
    try:
        async with running.peers.stream(speaker, path) as answer:
            lines = (await answer.aread()).splitlines()
            return _Page(read_position(answer.headers["feed-cursor"]), [orjson.loads(line) for line in lines])
    except PeerRefused as refused:
        raise Unavailable(f"the feed of {speaker}: {refused}") from refused


def _is_missed(line: dict[str, Any], places: _Places, shown: _Places) -> bool:
    """Return whether the build has not heard an event that is no news, or is shown by the views that are read."""
    position, part = Position(*line["position"]), line["part"]
    if position <= places.get(part, BEGINNING):
        return False
    return position <= shown.get(part, BEGINNING) or not _is_fresh(line)


def _is_fresh(line: dict[str, Any]) -> bool:
    return datetime.fromisoformat(line["recorded_at"]) > datetime.now(UTC) - FRESH
