"""Headquarters finds that two customers are one person: every service says so, and says otherwise when she was not."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from branchline import chain
from shared.settings import Settings
from tests.cell import Cell, cell
from tests.journeys.chain_books import BRANCH, ids_of
from tests.journeys.salon import COLUMNS, salon
from tests.journeys.shell import branchline

TORONTO = Path(chain.__file__).with_name("chains") / "toronto.yaml"
WHY = {"reason": "same-phone"}


async def test_two_who_are_one_have_one_account_and_each_her_own_again_when_they_are_not(
    settings: Settings, tmp_path: Path
) -> None:
    async with cell(settings) as at_work:
        assert (await branchline(settings, "chain", "apply", str(TORONTO))).status == 0
        today = datetime.now(ZoneInfo("America/Toronto")).date()
        sold = [("1", "MEI", 120), ("2", "LI", 250), ("3", "LI", 60)]
        await _sell(at_work, tmp_path, today - timedelta(days=1), sold)
        ids = await ids_of(at_work, ["LI", "MEI"])
        mei, li = ids["MEI"], ids["LI"]
        assert await _told(at_work, mei) == (mei, 120, 12_000, 1)
        assert await _told(at_work, li) == (li, 310, 31_000, 2)
        assert await _members(at_work) == {mei, li}

        await _decide(at_work, mei, "merge", into=str(li))
        assert await _told(at_work, mei) == await _told(at_work, li) == (li, 430, 43_000, 3)
        assert await _members(at_work) == {li}
        await _sell(at_work, tmp_path, today, [("4", "MEI", 80)])  # from here on her code names the other
        assert await _told(at_work, mei) == await _told(at_work, li) == (li, 510, 51_000, 4)

        await _decide(at_work, mei, "split")
        assert await _told(at_work, mei) == (mei, 120, 12_000, 1)
        assert await _told(at_work, li) == (li, 390, 39_000, 3)
        assert await _members(at_work) == {mei, li}


async def _sell(at_work: Cell, folder: Path, on: date, sold: Sequence[tuple[str, str, int]]) -> None:
    """Let the branch import receipts of a day: a number, a client's code, and an amount of whole dollars."""
    rows = [
        dict(zip(COLUMNS, (number, f"{on:%m/%d/%Y}", "", client, "JJ", "1", str(amount), "0", "0"), strict=True))
        for number, client, amount in sold
    ]
    path = salon(folder).written(rows, folder / f"{on}")
    said = await branchline(at_work.settings, "import", "receipts", str(path), "--branch", BRANCH)
    assert said.status == 0, said.text
    await at_work.settled()


async def _decide(at_work: Cell, who: UUID, what: str, **more: str) -> None:
    answer = await at_work.client("membership").post(f"/v1/customers/{who}/{what}", json={**WHY, **more})
    assert answer.status_code == 200, answer.text
    await at_work.settled()


async def _told(at_work: Cell, who: UUID) -> tuple[UUID, int, int, int]:
    """Return whose account it is, what has been earned, what was spent at all branches, and the receipts."""
    account = await _asked(at_work, "loyalty-points", f"/v1/accounts/{who}")
    view = await _asked(at_work, "projection", f"/v1/customers/{who}")
    assert view["points"]["earned"] == account["earned"]
    return UUID(account["customer_id"]), account["earned"], view["spend_minor"], view["receipts"]


async def _members(at_work: Cell) -> set[UUID]:
    page = await _asked(at_work, "membership", "/v1/members?limit=10")
    return {UUID(one["customer_id"]) for one in page["members"]}


async def _asked(at_work: Cell, service: str, path: str) -> dict[str, Any]:
    answer = await at_work.client(service).get(path)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told
