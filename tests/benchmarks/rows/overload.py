"""What the five services do at twice the load that they can take, and when many tills come back with days of sales."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.live import open_loop
from tests.benchmarks.meter import latencies, resident
from tests.benchmarks.salon_load import DEMO, Salons, chain_of, salons, sell
from tests.benchmarks.tills import Load, Sale, Tills, selling

QUIET, TWICE, FLOOD = "quiet", "twice the most", "flood"
TILLS, LIVE_CONNECTIONS = 200, 24
QUIET_RATE, LIVE_RATE = 50, 20
FIRST_STEP, STEP, STEP_SECONDS, KEEPS_UP = 200, 1.5, 4, 0.85
SECONDS, BACK, BACK_EACH, QUIET_BEFORE = 8, 200, 250, 3.0
LAPS, FLOODS = 5, 1  # a flood takes minutes, and thousands of live sales
LOOK_EVERY, SETTLED_WITHIN, PATIENCE = 0.25, 300.0, 900.0
GOALS = (
    Goal("twice", TWICE, "p99_ms", (QUIET,), most=5),
    Goal("twice", TWICE, "memory_over_idle", most=1.5, unit=" times idle"),
    Goal("flood", FLOOD, "p99_ms", (QUIET,), most=2),
)
SHED = (
    "the time of a request that is taken, from sending to answer; who is refused comes again after Retry-After; all "
    "that was accepted was in headquarters' view at the end"
)
LIVE = f"the sales of {LIVE_CONNECTIONS} live tills at {LIVE_RATE} a second, from due to answered"
BESIDE = f"{LIVE}, while {BACK} branches send {BACK_EACH} sales each at once, again when refused; all are in the view"


async def measure(bench: Bench) -> None:
    """Play what is chosen."""
    async with salons(bench) as at_work:
        await asyncio.sleep(QUIET_BEFORE)
        idle = resident([at_work.pids["pos"]])
        if bench.chosen("twice"):
            await _twice(at_work, idle)
        if bench.chosen("flood"):
            await _flood(at_work, idle)


async def _twice(at_work: Salons, idle: float) -> None:
    tills = await at_work.describe(chain_of(TILLS, "T"))
    async with selling(at_work.bench.settings, tills, TILLS) as those:
        most = await _most(at_work, those)
        contenders = [
            Contender(QUIET, f"{QUIET_RATE} sales/s; {SHED}", partial(_lap, at_work, those, QUIET_RATE, idle)),
            Contender(TWICE, f"{SHED}; some were refused", partial(_twice_lap, at_work, those, 2 * most, idle)),
        ]
        title = f"{2 * most:,} sales/s for {SECONDS} s from {TILLS} tills, where {most:,} can be taken"
        await at_work.bench.play(Contest("overload", "twice", title, contenders, laps=LAPS, warm=0))


async def _most(at_work: Salons, tills: Tills) -> int:
    """Return how many sales a second are taken when more come than that: the rate grows until it is so."""
    rate = FIRST_STEP
    while True:
        load, began = Load(), time.perf_counter()
        await sell(load, tills, rate, STEP_SECONDS)
        taken = len(load.sales) / (max(sale.answered_at for sale in load.sales) - began)
        await at_work.at_work.settled(SETTLED_WITHIN)
        print(f"  {rate:,} sales/s: {taken:,.0f} taken, {load.refused} requests refused", flush=True)
        if taken < KEEPS_UP * rate:
            return int(taken)
        rate = int(rate * STEP)


async def _lap(at_work: Salons, tills: Tills, rate: int, idle: float) -> Lap:
    load, bench = Load(), at_work.bench
    async with _held(at_work) as held, bench.meter.lap(rate * SECONDS, **_processes(at_work)) as lap:
        await sell(load, tills, rate, SECONDS)
    await _add_up(at_work, lap, load)
    lap.values |= {key: latencies(load.took)[key] for key in ("p50_ms", "p99_ms")}
    lap.values |= _shed(load) | {"memory_mib": held.most, "memory_over_idle": held.most / idle}
    return lap


async def _twice_lap(at_work: Salons, tills: Tills, rate: int, idle: float) -> Lap:
    """Return a lap that adds up only where somebody was refused: else it was not too much."""
    lap = await _lap(at_work, tills, rate, idle)
    lap.expected += (True,)
    lap.found += (lap.values["refused_percent"] > 0,)
    return lap


async def _flood(at_work: Salons, idle: float) -> None:
    async with AsyncExitStack() as stack:
        settings = at_work.bench.settings
        live = await stack.enter_async_context(selling(settings, await at_work.describe(DEMO), LIVE_CONNECTIONS))
        back = await stack.enter_async_context(selling(settings, await at_work.describe(chain_of(BACK, "F")), BACK))
        contenders = [
            Contender(QUIET, LIVE, partial(_beside, at_work, live, None, idle)),
            Contender(FLOOD, BESIDE, partial(_beside, at_work, live, back, idle)),
        ]
        title = f"{BACK * BACK_EACH:,} sales of {BACK} branches at once, beside tills that sell"
        await _beside(at_work, live, None, idle)  # what has just started is slow, which is not quiet
        await at_work.bench.play(Contest("overload", "flood", title, contenders, laps=FLOODS, warm=0))


async def _beside(at_work: Salons, live: Tills, back: Tills | None, idle: float) -> Lap:
    """Let the live tills sell until the flood is taken, and no shorter than SECONDS."""
    load, flood = Load(), Load()
    async with _held(at_work) as held, at_work.bench.meter.lap(0, **_processes(at_work)) as lap:
        began = time.perf_counter()
        if back:
            for till in back.all:
                back.sell(flood, till, began, BACK_EACH)
        flooding = asyncio.create_task(_taken(back, flood))
        async for due_at in open_loop(LIVE_RATE, PATIENCE):
            if flooding.done() and due_at > began + SECONDS:
                break
            live.sell(load, live.all[len(load.sales) % len(live.all)], due_at)
        await live.until_accepted(load)
        over_at = await flooding
    lap.events = len(load.sales) + len(flood.sales)
    await _add_up(at_work, lap, load, flood)
    during = [sale for sale in load.sales if not back or sale.due_at < over_at]
    lap.values |= {key: one for key, one in latencies(_waits(during)).items() if key != "max_ms"}
    lap.values |= _shed(flood if back else load) | {"memory_over_idle": held.most / idle}
    lap.values |= {"flood_seconds": over_at - began} if back else {}
    return lap


async def _taken(back: Tills | None, flood: Load) -> float:
    """Return when the flood was taken."""
    if back:
        await back.until_accepted(flood)
    return time.perf_counter()


async def _add_up(at_work: Salons, lap: Lap, *loads: Load) -> None:
    """Compare what was accepted with headquarters' view, when nothing is under way any more."""
    await at_work.at_work.settled(SETTLED_WITHIN)
    lap.cpu.pop("us")
    for load in loads:
        lap.expected += (len(load.sales), load.net_minor, 0)
        lap.found += (*await at_work.view.sums(load), load.without_wait)


def _waits(sales: Sequence[Sale]) -> list[float]:
    return [sale.answered_at - sale.due_at for sale in sales]


def _shed(load: Load) -> dict[str, float]:
    return {"refused_percent": load.refused / (load.refused + len(load.took)) * 100}


def _processes(at_work: Salons) -> dict[str, list[int]]:
    services = {service: [pid] for service, pid in at_work.pids.items()}
    return {"us": [], "generator": [at_work.bench.own], **services}


@dataclass
class _Held:
    most: float = 0.0


@asynccontextmanager
async def _held(at_work: Salons) -> AsyncIterator[_Held]:
    """Yield the most memory, in MiB, that the tills' service holds while the block lasts."""
    held, pid = _Held(), at_work.pids["pos"]

    async def look() -> None:
        while True:
            held.most = max(held.most, resident([pid]))
            await asyncio.sleep(LOOK_EVERY)

    looking = asyncio.create_task(look())
    try:
        yield held
    finally:
        looking.cancel()
