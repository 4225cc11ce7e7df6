"""Bytewax beside the fenced view: a dataflow out of the same topic into a table, at least once at best."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Contender, Lap
from tests.benchmarks.database import database
from tests.benchmarks.peers import wheels
from tests.benchmarks.program import program
from tests.benchmarks.topic import Topic

NAME = "bytewax"
GUARANTEES = (
    "Bytewax, one worker, batches of 1,000, no recovery store: nothing is kept of where it is, so that it is neither "
    "at least nor at most once across a crash; upserts by psycopg, durable commit, result in SQL"
)
_TABLE = "CREATE TABLE totals (id uuid PRIMARY KEY, total int NOT NULL)"
_SUMS = "SELECT coalesce(sum(total), 0), count(*) FROM totals"


@asynccontextmanager
async def view(bench: Bench, topic: Topic) -> AsyncIterator[Contender]:
    """Give the dataflow, in a new process each time; its time begins with its first record."""

    async def lap() -> Lap:
        async with database(bench.settings.database_url) as address:
            connection = await asyncpg.connect(address)
            try:
                await connection.execute(_TABLE)
                lap = await _lap(bench, topic, address)
                row = await connection.fetchrow(_SUMS)
            finally:
                await connection.close()
        assert row
        lap.expected, lap.found = (topic.total, topic.counters), (int(row[0]), int(row[1]))
        return lap

    yield Contender(NAME, GUARANTEES, lap)


async def _lap(bench: Bench, topic: Topic, address: str) -> Lap:
    command = [wheels.PYTHON, wheels.SCRIPTS / "bytewax_view.py"]
    async with (
        program(command, LOGS / "bytewax.log") as one,
        bench.meter.lap(topic.events, us=[], peer=[one.pid]) as lap,
    ):
        told = await one.ask(kafka=bench.settings.kafka, topic=topic.name, address=address)
    lap.seconds = told["seconds"]
    return lap


def missing() -> str:
    """Return why it cannot run here."""
    return wheels.missing()


def fetch() -> None:
    """Fetch its wheel."""
    wheels.fetch()
