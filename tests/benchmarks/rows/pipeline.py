"""The kernel's own line: an append, relay, another service's reaction, relay, a third one's view; no HTTP, no salon."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.benchmarks import totals
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.live import told_of
from tests.benchmarks.program import Program, program
from tests.benchmarks.store import Store, store
from tests.cell import environment

US = "branchline"
SINGLE = (200, 1_000)
SECONDS, EVENTS, BATCH = 5, 40_000, 100
SHARE = 0.7  # of what it can do
LAPS = 5
GOALS = (
    Goal("single-1000", US, "p50_ms", most=30, unit=" ms"),
    Goal("single-1000", US, "p99_ms", most=100, unit=" ms"),
    Goal("most", US, "rate", least=12_000, unit=" sales/s"),
    Goal("most", US, "cpu", most=120, unit=" µs"),
)
OURS = (
    "three services: each event to the reaction's events and from them to the view's row once and in order, all by "
    "durable commits"
)
IN_IT = f"{OURS}; the first service appends in its own process, which counts"
BESIDE = f"{OURS}; another process appends, which is the load"


async def measure(bench: Bench) -> None:
    """Play what is chosen."""
    async with _line(bench) as line:
        for rate in SINGLE:
            if bench.chosen(f"single-{rate}"):
                title = f"{rate:,} single appends a second: from the commit to the view's"
                await _play(bench, f"single-{rate}", title, Contender(US, IN_IT, partial(line.live, rate, 1)))
        if bench.chosen("most") or bench.chosen("steady"):
            await _batches(bench, line)


async def _batches(bench: Bench, line: "Line") -> None:
    title = f"{EVENTS:,} sales in batches of {BATCH}, as fast as they go: from the first append to the last in the view"
    most = Contest("pipeline", "most", title, [Contender(US, BESIDE, line.most)], laps=LAPS)
    reached = (await bench.play(most)).figure(US, "rate")
    if reached and bench.chosen("steady"):
        rate = int(reached.median * SHARE / BATCH) * BATCH
        title = f"{rate:,} sales a second in batches of {BATCH}, {SHARE:.0%} of the most: from the commit to the view's"
        await _play(bench, "steady", title, Contender(US, BESIDE, partial(line.live, rate, BATCH)))


async def _play(bench: Bench, name: str, title: str, us: Contender) -> None:
    await bench.play(Contest("pipeline", name, title, [us], laps=LAPS))


@dataclass(frozen=True)
class Line:
    """The three services, a process each, and one that appends for the first."""

    bench: Bench
    stores: tuple[Store, Store, Store]
    appends: Program
    first: Program
    second: Program
    third: Program

    async def live(self, rate: int, size: int) -> Lap:
        """Return a lap at a rate, in batches of this size; single appends are made by the first service itself."""
        events = int(rate / size * SECONDS) * size
        asked = {"per_second": rate, "seconds": SECONDS, "size": size}
        lap, told, seen = await self._lap(events, self.first if size == 1 else self.appends, asked)
        lap.values |= told_of(told["answered"], seen)
        return lap

    async def most(self) -> Lap:
        """Return a lap as fast as it goes."""
        lap, told, seen = await self._lap(EVENTS, self.appends, {"events": EVENTS, "size": BATCH})
        lap.seconds = max(seen.values()) - told["began"]
        return lap

    async def _lap(
        self, events: int, by: Program, asked: dict[str, int]
    ) -> tuple[Lap, dict[str, Any], dict[str, float]]:
        before = await self._counted()
        told_by = {"first": [self.first.pid], "second": [self.second.pid], "third": [self.third.pid]}
        processes = {**told_by, "us": [], "generator": [self.appends.pid, self.bench.own]}
        async with self.bench.meter.lap(events, **processes) as lap:
            told, seen = await asyncio.gather(by.ask(**asked), self.third.ask(count=events))
        lap.cpu.pop("us")
        shown = seen["seen"]
        lap.expected = (events, events, events, events, 0)
        after = await self._counted()
        grown = (now - was for now, was in zip(after, before, strict=True))
        lap.found = (*grown, len(told["answered"].keys() ^ shown.keys()))
        return lap, told, shown

    async def _counted(self) -> tuple[int, ...]:
        """Return the events of the first two, the sum of versions of the second, and the view's total."""
        (first, _), (second, versions) = await self.stores[0].counted(), await self.stores[1].counted()
        return first, second, versions, (await totals.sums(self.stores[2].running))[0]


@asynccontextmanager
async def _line(bench: Bench) -> AsyncIterator[Line]:
    async with AsyncExitStack() as stack:
        first, second, third = [await stack.enter_async_context(store(bench, f"line-{n}")) for n in (1, 2, 3)]
        own = environment(bench.settings)

        async def begin(name: str, *words: str) -> Program:
            command = [sys.executable, "-m", f"tests.benchmarks.programs.{name}", *words]
            log = LOGS / f"{name}-{words[0]}-{len(words)}.log"
            return await stack.enter_async_context(program(command, log, environment=own))

        yield Line(
            bench,
            (first, second, third),
            await begin("stage", first.speaker),
            await begin("stage", first.speaker, "sequencer", "relay"),
            await begin("stage", second.speaker, "sequencer", "relay", f"--hears={first.speaker}"),
            await begin("listener", third.speaker, second.speaker),
        )
