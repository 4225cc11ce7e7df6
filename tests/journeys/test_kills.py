"""Each service is killed while receipts are imported and tills sell: nothing is lost, nothing counts twice."""

import asyncio
from pathlib import Path

from branchline import chain
from shared.settings import Settings
from tests.cell import Cell, cell
from tests.journeys.chain_books import BRANCH, seen
from tests.journeys.salon import expected, salon
from tests.journeys.shell import begin, branchline, end

TORONTO = Path(chain.__file__).with_name("chains") / "toronto.yaml"
ROUNDS = 2
SELLING = ("--for", "25", "--sales-per-second", "20", "--customers", "300")


async def kill_each(at_work: Cell) -> None:
    for _ in range(ROUNDS):
        for service in at_work.services:
            await at_work.kill(service)


async def test_a_sigkill_of_each_service_twice_changes_no_figure(settings: Settings, tmp_path: Path) -> None:
    source = salon(tmp_path)
    rows = source.rows()
    async with cell(settings, processes=True) as at_work:
        assert (await branchline(settings, "chain", "apply", str(TORONTO))).status == 0
        selling = await begin(settings, "simulate", *SELLING, "--journals", str(tmp_path / "journals"))
        importing = await begin(settings, "import", "receipts", str(source.path), "--branch", BRANCH)
        await kill_each(at_work)
        imported, sold = await asyncio.gather(end(importing), end(selling))
        assert imported.status == 0, imported.text
        assert sold.status == 0, sold.text
        assert "\nequal: 12 branches" in sold.text
        await at_work.settled()
        told = expected(rows)
        joined, points = await seen(at_work, told.points.keys(), {row["Receipt"] for row in rows})
        assert (joined, points) == (told.joined, told.points)
