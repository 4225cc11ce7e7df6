"""A service's process: its parts start in order, stop in reverse, and finish what they began. Times are seconds."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
import structlog

from shared import telemetry
from shared.errors import Unavailable
from shared.faults import is_passing
from shared.idempotency import prune
from shared.predecessor import member
from shared.running import CannotRun, Running, StartFrom, finish, pause, start
from shared.service import Service
from shared.settings import Settings

Part: TypeAlias = Callable[[Running], Awaitable[None]]

# the order in which they start: what is written is numbered, what is numbered is sent, before anything is taken in
NAMES = ("sequencer", "relay", "views", "timers", "workers", "consumers", "http")

FINISH_WITHIN = 10.0
SERVERS_ANSWER_WITHIN = 5.0
PRUNE_EVERY = 3600.0
GARBAGE_AFTER = (50_000, 20, 20)  # objects, and collections of the generation before
SHORTEST_WAIT, LONGEST_WAIT = 0.1, 5.0

_NOT_MIGRATED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidCatalogNameError,
)

_log = structlog.get_logger()


@dataclass
class _Started:
    name: str
    running: Running
    task: "asyncio.Task[None]"


@asynccontextmanager
async def serving(
    service: Service, settings: Settings, *, parts: tuple[str, ...] = NAMES, start_from: StartFrom | None = None
) -> AsyncIterator[Running]:
    """Run the parts while the block lasts; raise CannotRun when they cannot start, or one has ended before its time.

    The block gets a Running whose `stop` is set when a part dies.
    """
    await _look_for_kafka(service, settings, parts)
    running = await _open(service, settings, start_from)
    if "http" in parts:
        running.member = member(service.name, settings)
    started: list[_Started] = []
    try:
        try:
            await _look_at_lineage(running)
        except Unavailable as error:
            raise CannotRun(f"{service.name}: {error}") from error
        for name, part in _chosen(running, parts):
            own = replace(running, stop=asyncio.Event())
            task = asyncio.create_task(_guarded(part, own, running.stop), name=f"{service.name} {name}")
            started.append(_Started(name, own, task))
        await asyncio.sleep(0)
        running.started.set()
        _log.info("started", parts=[one.name for one in started])
        yield running
    finally:
        dead = await _stop(started)
        await finish(running)
        _log.info("stopped")
    if dead:
        raise CannotRun(dead)


async def run(service: Service, settings: Settings, *, parts: tuple[str, ...], start_from: StartFrom | None) -> None:
    """Run the service until SIGTERM, SIGINT or the death of a part, which raises CannotRun."""
    try:
        async with serving(service, settings, parts=parts, start_from=start_from) as running:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, running.stop.set)
            # what start-up has made stays, and a page of events is no garbage: looking took half of a relay's time
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GARBAGE_AFTER)
            await running.stop.wait()
    finally:
        await asyncio.to_thread(telemetry.close)


def _chosen(running: Running, names: tuple[str, ...]) -> Iterator[tuple[str, Part]]:
    """Give the parts that the service has of those that are wanted, each kind imported only here."""
    service = running.service
    for name in NAMES:
        if name in names:
            yield from ((name, part) for part in _of(name, running, service))
    if "http" in names and {"views", "workers", "consumers"} & {*names}:  # whoever may be in a group of Kafka's
        from shared.predecessor import predecessor

        yield "http", predecessor


def _of(name: str, running: Running, service: Service) -> list[Part]:
    match name:
        case "sequencer":
            from shared.feed import sequencer

            return [sequencer] if service.all_aggregates else []
        case "relay":
            from shared.relay import relay

            return [relay] if service.says else []
        case "views":
            from shared.views import views

            return [views] if service.views else []
        case "timers":
            from shared.timers import timers

            return [timers] if service.aggregates else []
        case "workers":
            return [prune_keys, *service.workers]
        case "consumers":
            from shared.reacting import reactions

            return [reactions] if service.hears else []
        case _:
            from shared.server import http

            return [http]


async def _guarded(part: Part, own: Running, stop_all: asyncio.Event) -> None:
    """Run a part, again after a fault that passes; when it ends without having been told to, all of them stop."""
    wait, is_again = SHORTEST_WAIT, False
    try:
        while not own.stop.is_set():
            try:
                if is_again:  # the Postgres that has come back may not be the one that went away
                    await _look_at_lineage(own)
                await part(own)
                return
            except Exception as error:
                if own.stop.is_set() or not _passes(error):
                    raise
                _log.warning("a part begins again", error=f"{type(error).__name__}: {error}")
            await pause(own, wait)
            wait, is_again = min(wait * 2, LONGEST_WAIT), True
    finally:
        if not own.stop.is_set():
            stop_all.set()


def _passes(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_passes(one) for one in error.exceptions)
    return is_passing(error)


async def _stop(started: list[_Started]) -> str | None:
    """Stop the parts one after another, last started first; return a sentence on the first that ended by itself."""
    dead = None
    for one in reversed(started):
        if one.task.done() and not one.running.stop.is_set():
            error = None if one.task.cancelled() else one.task.exception()
            dead = _sentence(one, error)
            _log.error("a part ended", part=one.name, exc_info=error)
        one.running.stop.set()
        _, late = await asyncio.wait([one.task], timeout=FINISH_WITHIN)
        if late:
            _log.error("a part does not end", part=one.name, seconds=FINISH_WITHIN)
            one.task.cancel()
            await asyncio.wait([one.task], timeout=1)
    return dead


def _sentence(ended: _Started, error: BaseException | None) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, CannotRun):
        return str(error)
    return f"{ended.running.service.name}: the part {ended.name} ended: {error!r}"


async def _open(service: Service, settings: Settings, start_from: StartFrom | None) -> Running:
    where = urlsplit(settings.database_url)
    place = f"{where.hostname}:{where.port or 5432}{where.path}"
    try:
        async with asyncio.timeout(SERVERS_ANSWER_WITHIN):
            return await start(service, settings, start_from=start_from)
    except _NOT_MIGRATED:
        raise CannotRun(f"{service.name}: Postgres at {place} has no tables for it; run `branchline migrate`") from None
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise CannotRun(f"{service.name}: Postgres does not answer at {place} ({type(error).__name__})") from error


async def _look_at_lineage(running: Running) -> None:
    """Raise CannotRun when the store is not the one that has spoken so far: then it must take nothing in either."""
    if not running.service.all_aggregates:
        return
    from shared.lineage import check

    await check(running)


async def _look_for_kafka(service: Service, settings: Settings, parts: tuple[str, ...]) -> None:
    """Raise CannotRun when a part needs Kafka and no broker takes a connection."""
    hears = service.hears or (service.views and service.views.hears)
    if not (("relay" in parts and service.says) or ({"consumers", "views"} & {*parts} and hears)):
        return
    for place in settings.kafka.split(","):
        host, _, port = place.strip().rpartition(":")
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(SERVERS_ANSWER_WITHIN):
                _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return
    raise CannotRun(f"{service.name}: Kafka does not answer at {settings.kafka}")


async def prune_keys(running: Running) -> None:
    """Forget idempotency keys when their days are over."""
    while not running.stop.is_set():
        async with running.pool.acquire() as tx:
            has_more = await prune(tx)
        await pause(running, 0 if has_more else PRUNE_EVERY)
