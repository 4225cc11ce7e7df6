"""Headquarters with its tables in place: open, or with its addresses served; nobody else of the cell is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.projection.app import app
from shared.migrations import provision
from shared.parts import serving
from shared.rebuild import ViewTables
from shared.running import Running, finish, start
from shared.settings import Settings


@pytest.fixture
async def provisioned(settings: Settings) -> Settings:
    """Return a cell in which headquarters has empty views."""
    await provision(settings, "projection", None)
    running = await start(app, settings)
    async with running.pool.acquire() as tx, tx.transaction():
        await ViewTables(running).prepare(tx)
    await finish(running)
    return settings


@pytest.fixture
async def headquarters(provisioned: Settings) -> AsyncIterator[Running]:
    """Yield headquarters, open."""
    running = await start(app, provisioned)
    yield running
    await finish(running)


@pytest.fixture
async def served(provisioned: Settings) -> AsyncIterator[Running]:
    """Yield headquarters with its addresses served."""
    async with at_the_door(provisioned) as running:
        yield running


@asynccontextmanager
async def at_the_door(settings: Settings) -> AsyncIterator[Running]:
    """Serve the addresses while the block lasts."""
    async with serving(app, settings, parts=("http",)) as running:
        running.views_live.set()
        yield running
