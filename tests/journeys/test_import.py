"""A salon's own receipts through the tills' door, in whatever order and state they come."""

from pathlib import Path
from random import Random

from branchline import chain
from shared.settings import Settings
from tests.cell import cell
from tests.journeys.chain_books import BRANCH, has_come_true, summary
from tests.journeys.salon import expected, salon
from tests.journeys.shell import branchline

DEMO, TORONTO = (Path(chain.__file__).with_name("chains") / name for name in ("demo.yaml", "toronto.yaml"))


async def test_a_policy_that_comes_later_never_holds_for_what_was_sold_before(settings: Settings) -> None:
    async with cell(settings) as at_work:
        assert (await branchline(settings, "chain", "apply", str(DEMO))).status == 0
        assert (await branchline(settings, "chain", "apply", str(TORONTO))).status == 0
        told = (await at_work.client("membership").get("/v1/policy")).json()["versions"]
    assert [(v["from"] is None, v["terms"]["join_minimum_minor"]) for v in told] == [(True, 500_00), (False, 100_00)]


async def test_shuffled_and_the_later_days_first_it_comes_to_the_same(settings: Settings, tmp_path: Path) -> None:
    source = salon(tmp_path)
    rows = source.rows()
    Random(7).shuffle(rows)
    days = sorted({row["Date"] for row in rows})
    later = set(days[len(days) // 2 :])
    parts = [[row for row in rows if row["Date"] in later], rows]
    async with cell(settings) as at_work:
        assert (await branchline(settings, "chain", "apply", str(TORONTO))).status == 0
        for place, part in enumerate(parts):
            path = source.written(part, tmp_path / str(place))
            said = await branchline(settings, "import", "receipts", str(path), "--branch", BRANCH)
            assert said.status == 0, said.text
            await at_work.settled()
        await has_come_true(at_work, expected(rows), {row["Receipt"] for row in rows})


async def test_a_row_that_cannot_be_read_is_named_and_the_rest_comes_in(settings: Settings, tmp_path: Path) -> None:
    source = salon(tmp_path)
    rows = source.rows()[:40]
    broken = [
        *rows[:20],
        {**rows[20], "Receipt": "12a"},
        {**rows[20], "Receipt": "999999", "Amount": "1,5"},
        *rows[20:],
    ]
    path = source.written(broken, tmp_path / "broken")
    async with cell(settings) as at_work:
        assert (await branchline(settings, "chain", "apply", str(TORONTO))).status == 0
        said = await branchline(settings, "import", "receipts", str(path), "--branch", BRANCH)
        assert said.status == 1
        assert "line 22: receipt: '12a' is not a receipt number" in said.text
        assert "line 23: amount: '1,5' is not a decimal number" in said.text
        await at_work.settled()
        assert (await summary(at_work))["lines"] == 40
        unknown = await branchline(settings, "import", "receipts", str(path), "--branch", "NOWHERE")
        assert (unknown.status, "the chain has no branch NOWHERE" in unknown.text) == (2, True)
