"""The points ledger, provisioned and open, none of its parts at work; its points may stay for ever."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from branchline import catalogue
from services.loyalty_points.app import app
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from shared.message import Cause
from shared.migrations import provision
from shared.performing import perform_one
from shared.policy import PublishPolicy
from shared.running import Running, finish, start
from shared.server import http
from shared.settings import Settings
from tests.services.loyalty_points.calling import Calling
from tests.services.loyalty_points.desk import desk

__all__ = ["desk"]


@pytest.fixture
async def loyalty_points(settings: Settings) -> AsyncIterator[Running]:
    """Yield the service, open."""
    await provision(settings, app.name, catalogue.migrations(app.name))
    running = await start(app, settings)
    yield running
    await finish(running)


@pytest.fixture
async def lasting_points(loyalty_points: Running) -> Running:
    """Return the service, whose points never expire: so that a test does not depend on today."""
    terms = Terms(expiry=Never()).model_dump(mode="json")
    await perform_one(loyalty_points, PublishPolicy(at=datetime.now(UTC), terms=terms), Cause("a test", "a test"))
    return loyalty_points


@pytest.fixture
async def answering(lasting_points: Running) -> AsyncIterator[Running]:
    """Yield the service, which answers over HTTP and does nothing else."""
    serving = asyncio.create_task(http(lasting_points))
    yield lasting_points
    lasting_points.stop.set()
    await serving


@pytest.fixture
def calling(answering: Running) -> Calling:
    """Return calls of the service."""
    return Calling(answering)
