"""From a till's sale to headquarters' view: the five services at a steady rate, beside the bare hops of that way."""

from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from branchline import chain as chains
from branchline.chain_file import ChainFile
from tests.benchmarks.bare_hops import GUARANTEES, BareHops, bare_hops
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.salon_load import DEMO, Salons, chain_of, measured, salons
from tests.benchmarks.tills import Tills, selling
from tests.journeys.salon import Salon, expected, salon
from tests.journeys.shell import branchline

US, BARE = "branchline", "bare hops"
SECONDS, LAPS = 6, 5
BRANCHES, CONNECTIONS = 2_000, 64
BRANCH = "TOR1"
TORONTO = chains.load(Path(chains.__file__).with_name("chains") / "toronto.yaml")
GOALS = (
    Goal("tills-50", US, "p50_ms", most=40, unit=" ms"),
    Goal("tills-50", US, "p99_ms", most=150, unit=" ms"),
)
OURS = (
    "five services: checked, the customer named by the vault, each number and receipt once, durable commits; in order, "
    "exactly once to the view and to the rules of membership, points and messages, whose events count in the cost"
)

IMPORTED = "`branchline import receipts`, from its start to its end; each receipt once, whenever it is repeated"
_SUMS = "SELECT count(*), sum(net_minor)::bigint FROM sale WHERE branch = $1"


async def measure(bench: Bench) -> None:
    """Play what is chosen."""
    async with AsyncExitStack() as stack:
        at_work = await stack.enter_async_context(salons(bench))
        bare = await stack.enter_async_context(bare_hops(bench, CONNECTIONS))
        if bench.chosen("tills-50"):
            await _play(at_work, bare, DEMO, "tills-50", 50, "24 tills of 12 branches")
        if bench.chosen("branches-200"):
            many = chain_of(BRANCHES)
            await _play(at_work, bare, many, "branches-200", 200, f"{BRANCHES:,} branches with a till each")
        if bench.chosen("import"):
            await at_work.describe(TORONTO)
            source = salon(bench.folder)
            us = Contender(US, IMPORTED, partial(_import, at_work, source))
            await bench.play(Contest("till", "import", "a salon's export, receipt by receipt", [us], laps=1, warm=0))


async def _play(at_work: Salons, bare: BareHops, chain: ChainFile, name: str, rate: int, whose: str) -> None:
    bench = at_work.bench
    tills = await at_work.describe(chain)
    async with selling(bench.settings, tills, CONNECTIONS) as ours:
        theirs = Tills(bare.line, bench.settings, tills)
        contenders = [
            Contender(BARE, GUARANTEES, partial(_bare, bench, bare, theirs, rate)),
            Contender(US, OURS, partial(_ours, at_work, ours, rate)),
        ]
        title = f"{rate} sales/s from {whose}: answered to seen, due to answered"
        await bench.play(Contest("till", name, title, contenders, laps=LAPS, warm=0))


async def _ours(at_work: Salons, tills: Tills, rate: int) -> Lap:
    pids = {service: [pid] for service, pid in at_work.pids.items()}
    return await measured(at_work.bench, tills, at_work.view, pids, rate, SECONDS)


async def _bare(bench: Bench, bare: BareHops, tills: Tills, rate: int) -> Lap:
    return await measured(bench, tills, bare.view, {"bare": bare.pids}, rate, SECONDS)


async def _import(at_work: Salons, source: Salon) -> Lap:
    told = expected(source.rows())
    pids = {service: [pid] for service, pid in at_work.pids.items()}
    async with at_work.bench.meter.lap(told.receipts, **pids) as lap:
        said = await branchline(at_work.bench.settings, "import", "receipts", str(source.path), "--branch", BRANCH)
    if said.status:
        raise RuntimeError(said.text[-400:])
    await at_work.at_work.settled()
    row = await at_work.view.connection.fetchrow(_SUMS, BRANCH)
    assert row
    lap.expected, lap.found = (told.receipts, int(told.net * 100)), (row[0], row[1])
    return lap
