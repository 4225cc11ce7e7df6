"""The five services as processes under the load of tills: what a lap of it took, and whether all of it was seen."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from branchline import chain
from branchline.chain import apply_chain, apply_policies
from branchline.chain_file import Branch, ChainFile, ChainName
from branchline.office import Office
from deploy.local.state import State
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Lap
from tests.benchmarks.live import open_loop
from tests.benchmarks.meter import latencies
from tests.benchmarks.seen import View, view
from tests.benchmarks.tills import CURRENCY, Load, Sale, Tills
from tests.cell import Cell, cell

WARM_UP = 0.2  # the share of a lap's first sales that is left out
DEMO = chain.load(Path(chain.__file__).with_name("chains") / "demo.yaml")


@dataclass(frozen=True)
class Salons:
    """The services at work."""

    bench: Bench
    at_work: Cell
    view: View

    @property
    def pids(self) -> dict[str, int]:
        """Return the process of each service."""
        assert self.at_work.home
        processes = State.read(self.at_work.home).processes
        return {service: processes[service] for service in self.at_work.services}

    async def describe(self, told: ChainFile) -> list[tuple[str, str]]:
        """Make the chain also this one; return its tills, each with its branch before it."""
        async with Office(self.bench.settings) as office:
            await apply_chain(office, told)
            await apply_policies(office, told)
        await self.at_work.settled()
        return [(branch.code, till) for branch in told.branches for till in branch.till_codes()]


def chain_of(branches: int, prefix: str = "B") -> ChainFile:
    """Return a chain of so many branches with a till each."""
    codes = [f"{prefix}{place:04d}" for place in range(branches)]
    told = tuple(Branch(code=code, name=f"Branch {code}", zone="America/Toronto") for code in codes)
    return ChainFile(chain=ChainName(name=DEMO.chain.name, currency=CURRENCY), branches=told)


@asynccontextmanager
async def salons(bench: Bench) -> AsyncIterator[Salons]:
    """Yield the five services, each a process of its own, with no chain yet."""
    settings = bench.settings
    async with (
        cell(settings, processes=True) as at_work,
        view(settings.service_url("projection"), f"{settings.schema('projection')}_views") as seen,
    ):
        yield Salons(bench, at_work, seen)


async def measured(
    bench: Bench, tills: Tills, seen: View, pids: Mapping[str, Sequence[int]], per_second: float, seconds: float
) -> Lap:
    """Return a lap of sales at a rate, till after till; whoever makes the load and looks at the view is no cost."""
    load = Load()
    processes = {"us": [], "generator": [bench.own], **pids}
    async with bench.meter.lap(int(per_second * seconds), **processes) as lap, asyncio.TaskGroup() as group:
        group.create_task(seen.watch(load))
        await sell(load, tills, per_second, seconds)
    lap.cpu.pop("us")
    lap.expected = (lap.events, load.net_minor, 0)
    lap.found = (*await seen.sums(load), load.without_wait)
    counted = load.sales[int(len(load.sales) * WARM_UP) :]
    lap.values |= told(counted)
    return lap


async def sell(load: Load, tills: Tills, per_second: float, seconds: float) -> None:
    """Let sales happen at a rate, and wait until each is accepted."""
    place = len(load.sales)
    async for due_at in open_loop(per_second, seconds):
        tills.sell(load, tills.all[place % len(tills.all)], due_at)
        place += 1
    await tills.until_accepted(load)
    load.is_done.set()


def told(sales: Sequence[Sale]) -> dict[str, float]:
    """Return the times from answered to seen, and from due to answered, in milliseconds."""
    shown = latencies([max(0.0, sale.seen_at - sale.answered_at) for sale in sales if sale.seen_at])
    answered = latencies([sale.answered_at - sale.due_at for sale in sales if sale.answered_at])
    names = {"p50_ms": "p50_ms", "p99_ms": "p99_ms"}
    return {names[key]: shown[key] for key in names} | {f"answer_{key}": answered[key] for key in names}
