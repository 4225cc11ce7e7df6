"""The tills' service and the real vault, in one cell for all of these tests; each test has a branch of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx2
import pytest

from services.membership.app import app as membership
from services.pos.app import app as pos
from shared.migrations import provision
from shared.parts import serving
from shared.running import Running
from shared.service import Service
from shared.settings import Settings
from tests.servers import Servers, new_cell
from tests.services.pos.shop import Shop, chain_of

SERVICES = Path(__file__).parents[3] / "services"
NUMBERS = count(1)


@asynccontextmanager
async def at_work(service: Service, settings: Settings, *parts: str) -> AsyncIterator[Running]:
    """Run some parts of a service."""
    await provision(settings, service.name, SERVICES / service.name.replace("-", "_") / "migrations")
    async with serving(service, settings, parts=parts, start_from="beginning") as running:
        yield running


@asynccontextmanager
async def open_shop(pos: Running) -> AsyncIterator[Shop]:
    """Open a branch that nobody else has."""
    address = pos.settings.address("pos")
    async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=30) as client:
        shop = Shop(f"B{next(NUMBERS)}", pos.settings, pos, client)
        answer = await shop.put_chain(chain_of(shop.branch))
        assert answer.status_code == 200, answer.text
        yield shop


@pytest.fixture(scope="session")
async def running(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with (
        new_cell(servers, tmp_path_factory.mktemp("pos")) as settings,
        at_work(membership, settings, "http"),
        at_work(pos, settings, "sequencer", "views", "http") as running,
    ):
        yield running


@pytest.fixture
async def shop(running: Running) -> AsyncIterator[Shop]:
    async with open_shop(running) as shop:
        yield shop


@pytest.fixture
async def other(running: Running) -> AsyncIterator[Shop]:
    async with open_shop(running) as shop:
        yield shop
