"""Other event stores on the same Postgres, each in a database of its own, under the load of `rows/append.py`."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from deploy.local import assets
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Contender, Lap
from tests.benchmarks.database import database
from tests.benchmarks.peers import npm, wheels
from tests.benchmarks.program import Program, program
from tests.benchmarks.store import CAUSE, body
from tests.benchmarks.writers import SECONDS, STREAMS, writing

EVENLY = "streams chosen evenly"
EVENTSOURCING = (
    f"durable commit, version checked, one table lock over all writers; get and save of an aggregate; {EVENLY}"
)
EVENTSOURCING_MANY = (
    f"durable commit, version checked, one table lock over all writers; save of an aggregate in hand; {EVENLY}"
)
EMMETT = f"durable commit, version checked, order safe behind slow transactions; the writer knows the version; {EVENLY}"
MESSAGE_DB = "durable commit, version checked, a lock over the category; the writer knows the version, asyncpg calls it"

_SQL = (
    *("schema/message-store", "tables/messages", "types/message"),
    *(f"functions/{name}" for name in ("message-store-version", "hash-64", "acquire-lock", "category", "is-category")),
    *(f"functions/{name}" for name in ("id", "cardinal-id", "stream-version", "write-message")),
    *(f"indexes/messages-{name}" for name in ("id", "stream", "category")),
)
_WRITE = "SELECT write_message($1, $2, 'Added', $3, $4, $5)"
_MESSAGES = "SELECT count(*) FROM messages"
_EVENTS = "SELECT count(*) FROM application_events"
_EMMETT_MESSAGES = "SELECT count(*) FROM emt_messages"


@asynccontextmanager
async def eventsourcing(bench: Bench, writers: int, batch: int) -> AsyncIterator[Contender]:
    """Give the PyPI package of this name."""
    async with database(bench.settings.database_url) as address:
        place = urlsplit(address)
        environment = {
            "POSTGRES_DBNAME": place.path[1:],
            "POSTGRES_HOST": place.hostname or "",
            "POSTGRES_PORT": str(place.port),
            "POSTGRES_USER": place.username or "",
            "POSTGRES_PASSWORD": place.password or "",
            "POSTGRES_POOL_SIZE": str(writers),
        }
        script = wheels.SCRIPTS / "eventsourcing_store.py"
        async with program([wheels.PYTHON, script], LOGS / "eventsourcing.log", environment=environment) as one:
            guarantees = EVENTSOURCING if batch == 1 else EVENTSOURCING_MANY
            yield Contender("eventsourcing", guarantees, _lap(bench, one, address, _EVENTS, writers, batch))


@asynccontextmanager
async def emmett(bench: Bench, writers: int, batch: int) -> AsyncIterator[Contender]:
    """Give npm's emmett-postgresql."""
    script = npm.HOME / "emmett.mjs"  # Node looks for packages beside the script
    shutil.copy(npm.PACKAGE / script.name, script)
    async with (
        database(bench.settings.database_url) as address,
        program([assets.node(), script, address], LOGS / "emmett.log") as one,
    ):
        yield Contender("emmett", EMMETT, _lap(bench, one, address, _EMMETT_MESSAGES, writers, batch))


@asynccontextmanager
async def message_db(bench: Bench, writers: int, batch: int) -> AsyncIterator[Contender]:
    """Give npm's message-db, which is functions in Postgres."""
    async with database(bench.settings.database_url) as address:
        await _install(address, npm.HOME / "node_modules" / "@eventide" / "message-db" / "database")
        schema = {"search_path": "message_store,public"}
        async with asyncpg.create_pool(address, min_size=writers, max_size=writers, server_settings=schema) as pool:
            versions = [-1] * STREAMS

            async def write(stream: int) -> int:
                before, versions[stream] = versions[stream], versions[stream] + batch
                name, told = f"counter-{stream}", body(uuid4())
                calls = [(str(uuid4()), name, told, CAUSE, before + n) for n in range(batch)]
                async with pool.acquire() as tx:
                    await (tx.execute(_WRITE, *calls[0]) if batch == 1 else tx.executemany(_WRITE, calls))
                return batch

            async def lap() -> Lap:
                before = await pool.fetchval(_MESSAGES)
                async with bench.meter.lap(0) as lap:
                    lap.events = await writing(writers, write)
                lap.expected, lap.found = (lap.events,), (await pool.fetchval(_MESSAGES) - before,)
                return lap

            yield Contender("message-db", MESSAGE_DB, lap)


async def _install(address: str, folder: Path) -> None:
    connection = await asyncpg.connect(address, server_settings={"search_path": "message_store,public"})
    try:
        for name in _SQL:
            await connection.execute((folder / f"{name}.sql").read_text().replace("CONCURRENTLY", ""))
    finally:
        await connection.close()


def _lap(
    bench: Bench, one: Program, address: str, counting: str, writers: int, batch: int
) -> Callable[[], Awaitable[Lap]]:
    async def count() -> int:
        connection = await asyncpg.connect(address)
        try:
            return int(await connection.fetchval(counting))
        finally:
            await connection.close()

    async def lap() -> Lap:
        await one.ask(writers=writers, batch=batch, seconds=0)  # what it makes for the first time is no part of a lap
        before = await count()
        async with bench.meter.lap(0, peer=[one.pid]) as lap:
            told = await one.ask(writers=writers, batch=batch, seconds=SECONDS)
        lap.events, lap.seconds = told["events"], told["seconds"]
        lap.expected, lap.found = (lap.events,), (await count() - before,)
        return lap

    return lap
