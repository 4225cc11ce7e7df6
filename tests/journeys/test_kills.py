"""Each service is killed while receipts are imported and tills sell: nothing is lost, nothing counts twice."""

import signal
from pathlib import Path

from branchline import chain
from shared.settings import Settings
from tests.cell import cell
from tests.journeys.chain_books import BRANCH, seen
from tests.journeys.salon import Salon, expected, salon
from tests.journeys.shell import begin, branchline, end

TORONTO = Path(chain.__file__).with_name("chains") / "toronto.yaml"
ROUNDS = 2
SELLING = ("--for", "ever", "--sales-per-second", "12", "--customers", "300")


def growing(source: Salon, parts: int, folder: Path) -> list[Path]:
    """Return exports of which each is longer than the one before by some days; the last is the whole."""
    rows = source.rows()
    days = sorted({row["Date"] for row in rows}, key=lambda day: (day[6:], day[:5]))
    ends = [days[: (place + 1) * len(days) // parts] for place in range(parts)]
    return [
        source.written([row for row in rows if row["Date"] in end], folder / str(place))
        for place, end in enumerate(ends)
    ]


async def test_a_sigkill_of_each_service_twice_changes_no_figure(settings: Settings, tmp_path: Path) -> None:
    source = salon(tmp_path)
    async with cell(settings, processes=True) as at_work:
        assert (await branchline(settings, "chain", "apply", str(TORONTO))).status == 0
        selling = await begin(settings, "simulate", *SELLING, "--journals", str(tmp_path / "journals"))
        doomed = at_work.services * ROUNDS
        for service, path in zip(doomed, growing(source, len(doomed), tmp_path), strict=True):
            importing = await begin(settings, "import", "receipts", str(path), "--branch", BRANCH)
            await at_work.kill(service)
            imported = await end(importing)
            assert (imported.status, "0 parked" in imported.text) == (0, True), imported.text
        selling.send_signal(signal.SIGINT)
        sold = await end(selling)
        assert sold.status == 0, sold.text
        assert "\nequal: 12 branches" in sold.text
        await at_work.settled()
        told = expected(source.rows())
        joined, points = await seen(at_work, told.points.keys(), {row["Receipt"] for row in source.rows()})
        assert (joined, points) == (told.joined, told.points)
        assert (await branchline(settings, "parked")).text == "nothing is parked\n"
