"""A service's views: they follow its own feed, or others' topics, and are built anew beside when their text changes.

Which of two texts gives way is said in `shared/rebuild.py`. Pages are events, pauses seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import asyncpg
import orjson
import structlog

from shared import telemetry
from shared.failpoints import reached
from shared.faults import is_passing
from shared.fence import FenceMissing
from shared.message import Envelope, Position, Vocabulary
from shared.postgres import Tx
from shared.rebuild import RENEW_EVERY, Superseded, ViewTables
from shared.running import pause
from shared.store import cause_of

if TYPE_CHECKING:
    from shared.consumer import Consumer
    from shared.running import Running

PAGE = 2000
LONGEST_PAUSE = 0.25  # a number given by another process rings no bell here
STUCK_PAUSE = 5.0
LAST_PAGES = 4  # that a swap may still read while nobody else writes
LOOKS = 2  # at who keeps another text: after Postgres was away, all leases are over at the first

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
_log = structlog.get_logger()


async def views(running: "Running") -> None:
    """Fill the service's views until it stops, and put a new build in place when it has caught up."""
    tables = ViewTables(running)
    while not running.stop.is_set():
        try:
            await _work(running, tables)
        except* Superseded:
            running.views_live.clear()
            _log.error("superseded: this process fills the views no more", text=tables.text_hash)
        if not running.stop.is_set():
            await _stand_aside(running, tables)


async def _work(running: "Running", tables: ViewTables) -> None:
    """Fill the views until the part stops. Raises Superseded, alone or in a group."""
    assert running.service.views
    async with running.pool.acquire() as tx, tx.transaction():
        is_live = await tables.prepare(tx)
    if is_live:
        running.views_live.set()
    _log.info("views", text=tables.text_hash, live=is_live)
    filling = replace(running, stop=asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(_keep(running, tables, filling.stop))
        group.create_task((_hear if running.service.views.hears else _follow)(filling, tables))


async def _keep(running: "Running", tables: ViewTables, over: asyncio.Event) -> None:
    """Say that a process is at work on the views; let `over` end whatever waits for better times."""
    try:
        while not running.stop.is_set():
            try:
                async with running.pool.acquire() as tx:
                    await tables.keep(tx)
            except Exception as error:
                if not is_passing(error):
                    raise
            await pause(running, RENEW_EVERY)
    finally:
        over.set()


async def _stand_aside(running: "Running", tables: ViewTables) -> None:
    """Wait until the part stops, or nobody keeps a text that these views must give way to."""
    looks = 0
    while not running.stop.is_set() and looks < LOOKS:
        try:
            async with running.pool.acquire() as tx, tx.transaction():
                looks = looks + 1 if await tables.may_return(tx) else 0
        except Exception as error:
            if not is_passing(error):
                raise
            looks = 0
        await pause(running, RENEW_EVERY)


async def _follow(running: "Running", tables: ViewTables) -> None:
    ear = running.numbered.listen()
    while not running.stop.is_set():
        try:
            read = await _read_page(running, tables)
            if not running.views_live.is_set() and _has_seen_the_end(read):
                await _swap(running, tables, partial(_reads_the_rest, running, tables))
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


async def _swap(running: "Running", tables: ViewTables, catches_up: Callable[[Tx], Awaitable[bool]]) -> None:
    """Put the build in place unless much is missing still; what little is, is read while the old views stand still."""
    async with running.pool.acquire() as tx, tx.transaction():
        await tables.hold(tx)
        if not await catches_up(tx):
            return
        await reached("view.caught-up")
        await tables.swap(tx)
        await reached("view.swapping")
    await reached("view.swapped")
    _log.info("views swapped", text=tables.text_hash)
    running.views_live.set()


async def _reads_the_rest(running: "Running", tables: ViewTables, tx: Tx) -> bool:
    for _page in range(LAST_PAGES):
        if await _project(running, tables, tx, await tables.enter(tx, alone=True)) < PAGE:
            return True
    return False


async def _hear(running: "Running", tables: ViewTables) -> None:
    """Fill the views from topics: consumers of their own name, from the beginning, now beside and then in place."""
    from shared.hearers import hearers

    async with asyncio.TaskGroup() as group:
        for consumer in hearers(running):
            group.create_task(_be_heard(running, tables, consumer))
        group.create_task(_watch(running, tables))


async def _be_heard(running: "Running", tables: ViewTables, consumer: "Consumer") -> None:
    """Let a consumer fill the views; raise Superseded where its rows have gone with their text."""
    try:
        await consumer.run()
    except FenceMissing:
        async with running.pool.acquire() as tx, tx.transaction():
            await tables.enter(tx, alone=False)
        raise


async def _watch(running: "Running", tables: ViewTables) -> None:
    """Put the build in place once every speaker's news has been heard."""
    from shared.hearers import has_heard_all, has_kept_up, shown

    while not running.stop.is_set() and not running.views_live.is_set():
        try:
            async with running.pool.acquire() as tx:
                before = await shown(running, tables, tx)
            if await has_heard_all(running, tables, before):
                await _swap(running, tables, partial(has_kept_up, running, tables, before))
        except Exception as error:
            if not is_passing(error):
                raise
        await pause(running, LONGEST_PAUSE * 4)
