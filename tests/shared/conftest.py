"""The toy service, provisioned and open, none of its parts at work."""

from collections.abc import AsyncIterator

import pytest

from shared.migrations import provision
from shared.running import Running, finish, start
from shared.settings import Settings
from tests.shared.toy import NAME, TOY


@pytest.fixture
async def provisioned(settings: Settings) -> Settings:
    """Return a cell in which the toy has its tables."""
    await provision(settings, NAME, None)
    return settings


@pytest.fixture
async def toy(provisioned: Settings) -> AsyncIterator[Running]:
    """Yield the toy, open."""
    running = await start(TOY, provisioned)
    yield running
    await finish(running)
