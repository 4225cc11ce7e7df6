"""Membership, provisioned and open, none of its parts at work."""

from collections.abc import AsyncIterator

import pytest

from branchline import catalogue
from services.membership.app import app
from shared.migrations import provision
from shared.running import Running, finish, start
from shared.settings import Settings


@pytest.fixture
async def membership(settings: Settings) -> AsyncIterator[Running]:
    """Yield the service, open."""
    await provision(settings, app.name, catalogue.migrations(app.name))
    running = await start(app, settings)
    yield running
    await finish(running)
