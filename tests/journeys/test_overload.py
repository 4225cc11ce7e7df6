"""More comes at once than can be taken: some are asked to wait, what waits is bounded, and nothing accepted is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from branchline.chain import apply_chain, apply_policies
from branchline.office import Office
from services.pos.intake import desk
from services.pos.intake.desk import Desk
from services.pos.intake.turns import Turns, Waiting
from shared.settings import Settings
from tests.benchmarks.salon_load import chain_of
from tests.benchmarks.seen import view
from tests.benchmarks.tills import Load, Tills, selling
from tests.cell import Cell, cell

BRANCHES, EACH = 20, 60
ROOM = 600  # items, of 1,200
HEARD = ("pos", "membership", "projection")


class Watched(Turns[Any]):
    """Knows the most that ever waited."""

    most = 0

    def put(self, one: Waiting[Any]) -> None:
        """Let it wait."""
        super().put(one)
        self.most = max(self.most, self.items)


@asynccontextmanager
async def tills(at_work: Cell) -> AsyncIterator[Tills]:
    """Yield the tills of many branches, each with a connection of its own."""
    told = chain_of(BRANCHES)
    async with Office(at_work.settings) as office:
        await apply_chain(office, told)
        await apply_policies(office, told, only=["membership"])
    places = [(branch.code, till) for branch in told.branches for till in branch.till_codes()]
    async with selling(at_work.settings, places, BRANCHES) as opened:
        yield opened


async def flooded(at_work: Cell, opened: Tills) -> Load:
    """Let every till send at once what it kept back; return when all of it is taken and shown."""
    load = Load()
    for till in opened.all:
        opened.sell(load, till, 0.0, EACH)
    await opened.until_accepted(load)
    await at_work.settled()
    return load


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "LONGEST_WAIT", 0.02)


async def test_a_flood_is_asked_to_wait_comes_again_and_is_in_the_view_to_the_last_sale(settings: Settings) -> None:
    async with cell(settings, HEARD) as at_work, tills(at_work) as opened:
        at_work.running["pos"].one(Desk).turns = waiting = Watched()
        load = await flooded(at_work, opened)
        assert load.refused > 0
        assert load.without_wait == 0
        assert waiting.most <= ROOM < BRANCHES * EACH
        async with view(settings.service_url("projection"), f"{settings.schema('projection')}_views") as seen:
            assert await seen.sums(load) == (BRANCHES * EACH, load.net_minor)


async def test_a_desk_that_turns_nobody_away_would_let_more_wait(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Turns, "ahead", lambda *_: 0)
    async with cell(settings, HEARD) as at_work, tills(at_work) as opened:
        at_work.running["pos"].one(Desk).turns = waiting = Watched()
        load = await flooded(at_work, opened)
        assert load.refused == 0
        assert waiting.most > ROOM
