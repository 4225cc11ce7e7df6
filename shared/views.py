"""A service's views: they follow its own feed, or others' topics, and are built anew beside when their text changes.

Pages are events, pauses seconds.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
import structlog

from shared import telemetry
from shared.channel import write_position
from shared.errors import Unavailable
from shared.failpoints import reached
from shared.faults import is_passing
from shared.message import BEGINNING, Envelope, Position, Vocabulary
from shared.peer import PeerRefused
from shared.postgres import Tx
from shared.rebuild import Superseded, ViewTables
from shared.running import pause
from shared.store import cause_of

if TYPE_CHECKING:
    from shared.consumer import Consumer
    from shared.running import Running

PAGE = 2000
LONGEST_PAUSE = 0.25  # a number given by another process rings no bell here
STUCK_PAUSE = 5.0
LAST_PAGES = 4  # that a swap may still read while nobody else writes
FRESH = timedelta(seconds=2)  # what is younger need not have been heard for a rebuilt view to be put in place

_PAGE = """
SELECT f.epoch, f.number, s.category, s.id, s.partition_key, e.version, e.shape, e.type, e.recorded_at,
       e.data::text AS data, e.meta::text AS meta
FROM feed f JOIN event e ON e.seq = f.seq JOIN stream s ON s.id = e.stream_id
WHERE f.number > $1 ORDER BY f.number LIMIT $2
"""
_NEWS = """
SELECT coalesce((SELECT v.number < h.number FROM view_set v, feed_head h WHERE v.name = $1 AND v.text_hash = $2), true)
"""
_MOVE = "UPDATE view_set SET number = $3, moved_at = clock_timestamp() WHERE name = $1 AND text_hash = $2"
_PLACES = "SELECT part, epoch, number FROM consumed WHERE consumer = $1 AND topic = $2"
_log = structlog.get_logger()


async def views(running: "Running") -> None:
    """Fill the service's views until it stops, and put a new build in place when it has caught up."""
    assert running.service.views
    tables = ViewTables(running)
    try:
        async with running.pool.acquire() as tx, tx.transaction():
            is_live = await tables.prepare(tx)
        if is_live:
            running.views_live.set()
        _log.info("views", text=tables.text_hash, live=is_live)
        if running.service.views.hears:
            await _hear(running, tables)
        else:
            await _follow(running, tables)
    except Superseded:
        running.views_live.clear()
        _log.error("superseded: this process fills the views no more", text=tables.text_hash)
        await running.stop.wait()


async def _follow(running: "Running", tables: ViewTables) -> None:
    ear = running.numbered.listen()
    while not running.stop.is_set():
        try:
            read = await _read_page(running, tables)
            if not running.views_live.is_set() and _has_seen_the_end(read) and await _swap(running, tables):
                running.views_live.set()
        except Superseded:
            raise
        except Exception as error:
            await _stand_still(running, error)
            continue
        if read:
            running.projected.set()
        if read < PAGE:
            await pause(running, LONGEST_PAUSE, ear)


def _has_seen_the_end(read: int) -> bool:
    return read < PAGE


async def _stand_still(running: "Running", error: Exception) -> None:
    """Wait a little: for what passes by itself, or for whoever mends the bug; the views stay as they are."""
    if is_passing(error):
        _log.warning("views wait", error=f"{type(error).__name__}: {error}")
        await pause(running, LONGEST_PAUSE)
    else:
        _log.error("views stand still", exc_info=error)
        await pause(running, STUCK_PAUSE)


async def _read_page(running: "Running", tables: ViewTables) -> int:
    async with running.pool.acquire() as tx:
        if not await tx.fetchval(_NEWS, tables.name, tables.text_hash):
            return 0  # an idle look locks nothing and writes nothing
        async with tx.transaction():
            return await _project(running, tables, tx, await tables.enter(tx, alone=True))


async def _project(running: "Running", tables: ViewTables, tx: Tx, after: int) -> int:
    """Project the page after a number; return how many events it had."""
    assert running.service.views
    rows = await tx.fetch(_PAGE, after, PAGE)
    if rows:
        told = _envelopes(running.service.vocabulary, rows)
        with telemetry.tracing_all(telemetry.PROJECT, [e.cause.traceparent for e in told], events=len(told)):
            await running.service.views.project(tx, told)
            await tx.execute(_MOVE, tables.name, tables.text_hash, rows[-1]["number"])
            await reached("view.page-projected")
        telemetry.PROJECTED.inc(len(told))
    return len(rows)


def _envelopes(vocabulary: Vocabulary, rows: Sequence[asyncpg.Record]) -> list[Envelope]:
    return [
        Envelope(
            category=row["category"],
            stream_id=row["id"],
            version=row["version"],
            key=row["partition_key"],
            event=vocabulary.read(row["type"], row["shape"], row["data"]),
            cause=cause_of(orjson.loads(row["meta"])),
            recorded_at=row["recorded_at"],
            position=Position(row["epoch"], row["number"]),
        )
        for row in rows
        if vocabulary.knows(row["type"], row["shape"])
    ]


async def _swap(running: "Running", tables: ViewTables) -> bool:
    """Put the build in place unless much is missing still; what little is, is read while the old views stand still."""
    async with running.pool.acquire() as tx, tx.transaction():
        await tables.hold(tx)
        if not await _is_caught_up(running, tables, tx):
            return False
        await reached("view.caught-up")
        await tables.swap(tx)
        await reached("view.swapping")
    await reached("view.swapped")
    _log.info("views swapped", text=tables.text_hash)
    return True


async def _is_caught_up(running: "Running", tables: ViewTables, tx: Tx) -> bool:
    assert running.service.views
    if running.service.views.hears:
        return True  # asked of the speakers before, for nobody waits for another service inside a transaction
    for _page in range(LAST_PAGES):
        if await _project(running, tables, tx, await tables.enter(tx, alone=True)) < PAGE:
            return True
    return False


async def _hear(running: "Running", tables: ViewTables) -> None:
    """Fill the views from topics: consumers of their own name, from the beginning, now beside and then in place."""
    async with asyncio.TaskGroup() as group:
        for consumer in hearers(running):
            group.create_task(consumer.run())
        group.create_task(_watch(running, tables))


def hearers(running: "Running") -> "list[Consumer]":
    """Return the consumers that fill the views from topics; none where they follow the own feed."""
    from shared.consumer import Consumer

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

    def __init__(self, running: "Running", tables: ViewTables) -> None:
        self._running, self._tables = running, tables

    async def __call__(self, tx: Tx, told: Sequence[Envelope]) -> None:
        assert self._running.service.views
        try:
            await self._tables.enter(tx, alone=False)
        except Superseded as superseded:  # for a consumer something that passes: it waits until the process ends
            raise Unavailable("views of another text took the place of these") from superseded
        await self._running.service.views.project(tx, told)
        await reached("view.heard-projected")


async def _watch(running: "Running", tables: ViewTables) -> None:
    """Put the build in place once every speaker's news has been heard."""
    while not running.stop.is_set() and not running.views_live.is_set():
        try:
            if await _has_heard_all(running, tables) and await _swap(running, tables):
                running.views_live.set()
        except Exception as error:
            if not is_passing(error):
                raise
        await pause(running, LONGEST_PAUSE * 4)


async def _has_heard_all(running: "Running", tables: ViewTables) -> bool:
    assert running.service.views
    for heard in running.service.views.hears:
        rows = await running.pool.fetch(_PLACES, tables.consumer, running.settings.topic(heard.speaker))
        places = {row["part"]: Position(row["epoch"], row["number"]) for row in rows}
        if not places or not await _has_heard(running, heard.speaker, places):
            return False
    return True


async def _has_heard(running: "Running", speaker: str, places: dict[int, Position]) -> bool:
    """Return whether a speaker's feed has nothing older than FRESH that these places have not reached."""
    after = write_position(min(places.values()))
    try:
        body = await running.peers.call(speaker, "GET", f"/v1/feed?after={after}&limit={PAGE}")
    except PeerRefused as refused:
        raise Unavailable(f"the feed of {speaker}: {refused}") from refused
    lines = [orjson.loads(line) for line in body.splitlines()]
    missing = [line for line in lines if Position(*line["position"]) > places.get(line["part"], BEGINNING)]
    if len(lines) == PAGE and missing:
        return False
    return all(_is_fresh(line) for line in missing)


def _is_fresh(line: dict[str, Any]) -> bool:
    return datetime.fromisoformat(line["recorded_at"]) > datetime.now(UTC) - FRESH
