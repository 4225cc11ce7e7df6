"""A view built anew from a million events beside live traffic, and what that costs the traffic."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

import orjson

from shared.service import ViewSet
from shared.views import PAGE
from tests.benchmarks import totals
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.grown import grow
from tests.benchmarks.live import open_loop, teller
from tests.benchmarks.meter import latencies
from tests.benchmarks.program import Program
from tests.benchmarks.store import Store, store
from tests.benchmarks.toy import NOTED
from tests.cell import eventually

US, FLOOR, QUIET = "branchline", "read, fold and COPY", "no rebuild"
EVENTS, COUNTERS = 1_000_000, 100_000
PER_SECOND, QUIET_SECONDS = 200, 4.0
GOALS = (
    Goal("million", US, "rate", (FLOOR,), least=0.40),
    Goal("million", US, "read_p99_ms", (QUIET,), most=2),
    Goal("million", US, "append_p99_ms", (QUIET,), most=2),
    Goal("million", US, "mib", most=300, unit=" MiB"),
)
OURS = "a new process builds beside the view that is read and takes its place in one transaction; killed, it goes on"
BARE = "one process reads all in pages, adds up in memory, and copies the result into a table; killed, it begins again"
NONE = "the same live traffic alone"

_TEXT = "CREATE TABLE totals (id uuid PRIMARY KEY, total int NOT NULL); -- form {number}"
_READ = "SELECT e.seq, e.data::text AS data FROM event e WHERE e.seq > $1 ORDER BY e.seq LIMIT $2"
_TABLE = "CREATE TABLE folded (id uuid PRIMARY KEY, total int NOT NULL)"
_DROP = "DROP TABLE folded"
_FOLDED = "SELECT coalesce(sum(total), 0), count(*) FROM folded"
_ONE = "SELECT total FROM totals WHERE id = $1"
_BEHIND = "SELECT bool_and(v.number = h.number) FROM view_set v, feed_head h"
_LAST = "SELECT max(seq) FROM event"


async def measure(bench: Bench) -> None:
    """Play it, if it is chosen."""
    if not bench.chosen("million"):
        return
    text = text_of(bench.folder, 0)
    async with store(bench, "rebuilt", replace(NOTED, views=ViewSet(text, totals.project))) as own:
        rebuilding = Rebuilding(bench, own, await grow(own, EVENTS, EVENTS // COUNTERS), text)
        contenders = (
            Contender(QUIET, NONE, rebuilding.quiet),
            Contender(FLOOR, BARE, rebuilding.folded),
            Contender(US, OURS, rebuilding.built),
        )
        title = f"{EVENTS:,} events to {COUNTERS:,} rows, beside {PER_SECOND} appends and as many reads a second"
        await bench.play(Contest("rebuild", "million", title, contenders, warm=0))


def text_of(folder: Path, number: int) -> Path:
    """Return a file with the view's text, another one for each number."""
    place = folder / f"totals-{number}.sql"
    place.write_text(_TEXT.format(number=number))
    return place


class Rebuilding:
    """The service whose view is built anew: each time its text is another."""

    def __init__(self, bench: Bench, own: Store, known: list[UUID], text: Path) -> None:
        self._bench, self._own, self._known, self._text = bench, own, known, text
        self._numbers = count(1)

    async def quiet(self) -> Lap:
        """Let the traffic have the machine."""
        async with self._traffic() as reads, self._bench.meter.lap(0) as lap:
            await asyncio.sleep(QUIET_SECONDS)
            lap.values |= reads()
        lap.expected = lap.found = (0,)
        return lap

    async def folded(self) -> Lap:
        """Read, fold and copy, in this process."""
        pool = self._own.running.pool
        last = await pool.fetchval(_LAST)
        async with self._traffic() as reads, pool.acquire() as tx:
            await tx.execute(_TABLE)
            async with self._bench.meter.lap(0) as lap:
                lap.events, added = await self._added(last)
                await tx.copy_records_to_table("folded", records=list(added.items()))
                lap.values |= reads()
            row = await tx.fetchrow(_FOLDED)
            await tx.execute(_DROP)
        assert row
        lap.expected, lap.found = (lap.events, len(added)), (int(row[0]), int(row[1]))
        return lap

    async def built(self) -> Lap:
        """Start a process whose text is another, and wait until its view is the one that is read."""
        events, _ = await self._own.counted()
        async with self._traffic() as reads:
            self._text = text_of(self._bench.folder, next(self._numbers))
            async with self._service("views") as builder, self._bench.meter.lap(events, us=[builder.pid]) as lap:
                told = await builder.ask(do="built")
                lap.seconds = told["seconds"]
                lap.values |= reads() | {"mib": told["mib"]}
        async with self._service("views"):
            await self._caught_up()
        lap.expected, lap.found = await self._own.counted(), await totals.sums(self._own.running)
        lap.expected = (lap.expected[0], await self._own.streams())
        return lap

    async def _added(self, last: int) -> tuple[int, Mapping[UUID, int]]:
        added: dict[UUID, int] = defaultdict(int)
        events = after = 0
        async with self._own.running.pool.acquire() as tx:
            while after < last and (rows := await tx.fetch(_READ, after, PAGE)):
                for row in rows:
                    told = orjson.loads(row["data"])
                    added[UUID(told["counter_id"])] += told["amount"]
                events, after = events + len(rows), rows[-1]["seq"]
        return events, added

    @asynccontextmanager
    async def _traffic(self) -> AsyncIterator["Reads"]:
        """Let the process of the present text take appends, and a reader ask its view, while the block lasts."""
        async with self._service("sequencer", "views") as service:
            reads = Reads(self._own, self._known)
            telling = asyncio.create_task(reads.beside(service))
            try:
                yield reads
            finally:
                reads.is_over = True
                await telling

    @asynccontextmanager
    async def _service(self, *parts: str) -> AsyncIterator[Program]:
        async with teller(self._bench, self._own.speaker, *parts, views=self._text) as one:
            yield one

    async def _caught_up(self) -> None:
        await self._own.number()

        async def is_so() -> bool:
            return bool(await self._own.running.pool.fetchval(_BEHIND))

        await eventually(is_so)


class Reads:
    """Reads of the live view, one row each, beside as many appends: each at its time, whatever was answered before."""

    def __init__(self, own: Store, known: list[UUID]) -> None:
        self._own, self._known = own, known
        self._chance, self._late, self._appends_late = Random("bench"), list[float](), list[float]()
        self.is_over = False

    def __call__(self) -> dict[str, float]:
        """Return the figures so far."""
        both = (("read", self._late), ("append", self._appends_late))
        return {f"{what}_{name}": told for what, late in both for name, told in latencies(late).items()}

    async def beside(self, service: Program) -> None:
        """Read, while the service appends as often, a second at a time until it is over."""
        while not self.is_over:
            async with asyncio.TaskGroup() as group:
                telling = group.create_task(service.ask(do="tell", per_second=PER_SECOND, seconds=1))
                async for due_at in open_loop(PER_SECOND, 1):
                    group.create_task(self._read(due_at))
            self._appends_late += telling.result()["late"]

    async def _read(self, due_at: float) -> None:
        await self._own.running.pool.fetchval(_ONE, self._chance.choice(self._known))
        self._late.append(time.perf_counter() - due_at)
