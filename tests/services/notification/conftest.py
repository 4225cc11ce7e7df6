"""Notification, provisioned and open, none of its parts at work; and a vault that answers it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from branchline import catalogue
from services.membership.app import app as membership_app
from services.notification.app import app
from shared.migrations import provision
from shared.running import Running, finish, start
from shared.server import http
from shared.settings import Settings


@pytest.fixture
async def notification(settings: Settings) -> AsyncIterator[Running]:
    """Yield the service, open."""
    await provision(settings, app.name, catalogue.migrations(app.name))
    running = await start(app, settings)
    yield running
    await finish(running)


@pytest.fixture
async def membership(settings: Settings) -> AsyncIterator[Running]:
    """Yield membership, which answers over HTTP and does nothing else."""
    name = membership_app.name
    await provision(settings, name, catalogue.migrations(name))
    running = await start(membership_app, settings)
    answering = asyncio.create_task(http(running))
    yield running
    running.stop.set()
    await answering
    await finish(running)
