"""From a till's request answered to headquarters' view updated, at a steady rate, and how fast an export comes in.

The load is open: sales leave at their times whether or not earlier ones were answered. Times are seconds.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from branchline import chain
from branchline.door import Door
from branchline.office import Office
from branchline.simulation import menu
from branchline.simulation.town import Town
from contracts.pos import sale_id
from shared.settings import Settings
from tests.cell import cell
from tests.journeys.salon import salon
from tests.journeys.shell import branchline

CHAINS = Path(chain.__file__).with_name("chains")
PER_SECOND = 50
SECONDS = 60
WARM_UP = 10
LOOK_EVERY = 0.003
SALES = PER_SECOND * (SECONDS + WARM_UP)
SEEN_WITHIN = 30.0
Due: TypeAlias = tuple[dict[str, Any], float]  # an item, and when it was due
_SEEN = "SELECT sale_id FROM sale WHERE sale_id = ANY($1::uuid[])"


@dataclass
class Sale:
    """When a sale was due, answered and seen in the view."""

    due_at: float
    answered_at: float
    seen_at: float = 0.0


@dataclass
class Run:
    """The sales of a run, and those that are answered but not yet seen."""

    sales: dict[UUID, Sale] = field(default_factory=dict)
    looked_for: dict[UUID, Sale] = field(default_factory=dict)
    is_over: bool = False


async def measure(settings: Settings, folder: Path) -> list[str]:
    """Return the figures, a line each."""
    async with cell(settings, processes=True):
        for name in ("demo.yaml", "toronto.yaml"):
            assert (await branchline(settings, "chain", "apply", str(CHAINS / name))).status == 0
        imported = await branchline(settings, "import", "receipts", str(salon(folder).path), "--branch", "TOR1")
        lines = [f"import: {line}" for line in imported.text.splitlines() if "receipts/s" in line]
        await asyncio.sleep(WARM_UP)
        run = await _run(settings)
    counted = [sale for sale in list(run.sales.values())[WARM_UP * PER_SECOND :] if sale.seen_at]
    lost = SALES - sum(bool(sale.seen_at) for sale in run.sales.values())
    return [
        *lines,
        f"till to view at {PER_SECOND} sales/s for {SECONDS} s: {len(counted):,} sales, {lost} not seen",
        _told("answered to seen", [sale.seen_at - sale.answered_at for sale in counted]),
        _told("due to answered", [sale.answered_at - sale.due_at for sale in counted]),
        _told("due to seen", [sale.seen_at - sale.due_at for sale in counted]),
    ]


async def _run(settings: Settings) -> Run:
    run = Run()
    tills = [
        (branch.code, till) for branch in chain.load(CHAINS / "demo.yaml").branches for till in branch.till_codes()
    ]
    view = await asyncpg.connect(
        settings.service_url("projection"), server_settings={"search_path": f"{settings.schema('projection')}_views"}
    )
    await view.execute("SET branchline.branch = '*'")
    async with Office(settings) as office, asyncio.TaskGroup() as group:
        group.create_task(_look(view, run))
        queues = [asyncio.Queue[Due]() for _ in tills]
        sending = [
            group.create_task(_send(Door(office, *till), queue, run)) for till, queue in zip(tills, queues, strict=True)
        ]
        await _fill(tills, queues)
        until = time.perf_counter() + SEEN_WITHIN
        while (len(run.sales) < SALES or run.looked_for) and time.perf_counter() < until:
            await asyncio.sleep(0.1)
        run.is_over = True
        for task in sending:
            task.cancel()
    await view.close()
    return run


async def _fill(tills: Sequence[tuple[str, str]], queues: Sequence["asyncio.Queue[Due]"]) -> None:
    """Let sales happen at their times, till after till."""
    town, chance = Town("bench", [branch for branch, _ in tills], 1000), Random("bench")
    began = time.perf_counter()
    for place in range(SALES):
        due_at = began + place / PER_SECOND
        await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
        seq, till = divmod(place, len(tills))
        queues[till].put_nowait((_item(seq + 1, town.somebody(tills[till][0], chance).key(chance), chance), due_at))


async def _send(door: Door, queue: "asyncio.Queue[Due]", run: Run) -> None:
    """Send as a till does: one request at a time, with all that is there by then."""
    while True:
        batch = [await queue.get()]
        while not queue.empty():
            batch.append(queue.get_nowait())
        answers = await door.send([item for item, _ in batch])
        answered_at = time.perf_counter()
        assert {answer.outcome for answer in answers} == {"accepted"}, answers
        for item, due_at in batch:
            sold = sale_id(door.branch, door.till, item["data"]["receipt"])
            run.sales[sold] = run.looked_for[sold] = Sale(due_at, answered_at)


def _item(seq: int, customer: dict[str, str], chance: Random) -> dict[str, Any]:
    data = menu.receipt(seq, "CAD", customer, [menu.service(chance), menu.product(chance)], chance)
    return {"seq": seq, "type": "sale", "occurred_at": datetime.now(UTC).isoformat(), "data": data}


async def _look(view: "asyncpg.Connection[asyncpg.Record]", run: Run) -> None:
    while not run.is_over:
        if run.looked_for:
            rows = await view.fetch(_SEEN, list(run.looked_for))
            now = time.perf_counter()
            for row in rows:
                run.looked_for.pop(row["sale_id"]).seen_at = now
        await asyncio.sleep(LOOK_EVERY)


def _told(what: str, seconds: Sequence[float]) -> str:
    cuts = quantiles(seconds, n=100)
    return f"{what}: p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms, longest {max(seconds) * 1000:.0f} ms"
