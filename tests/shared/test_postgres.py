"""A Postgres that says nothing holds nobody for ever: callers get an answer, and all is well once it speaks again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx2
import pytest

from shared import feed, postgres
from shared.faults import is_passing
from shared.migrations import provision
from shared.parts import serving
from shared.running import Running
from shared.settings import Settings
from shared.tokens import Tokens
from tests.cell import eventually
from tests.faults.proxy import Proxy, before
from tests.shared.toy import NAME, TOY

PATIENCE = 0.5
ANSWERED_WITHIN = 10.0


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "ANSWERS_WITHIN", PATIENCE)
    monkeypatch.setattr(postgres, "CONNECTS_WITHIN", PATIENCE)
    monkeypatch.setattr(feed, "NUMBERED_WITHIN", PATIENCE)


@asynccontextmanager
async def behind(settings: Settings) -> AsyncIterator[tuple[Proxy, Running, httpx2.AsyncClient]]:
    """Yield a proxy, the toy at work with its Postgres behind it, and a client of the toy."""
    await provision(settings, NAME, None)
    where = urlsplit(settings.database_url)
    async with before(where.hostname or "127.0.0.1", where.port or 5432) as proxy:
        place = f"{where.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.at}"
        own = replace(settings, database_url=urlunsplit(where._replace(netloc=place)))
        bearer = {"authorization": f"Bearer {Tokens(settings).sign('staff', branch='B1')}"}
        async with (
            serving(TOY, own, parts=("sequencer", "http")) as running,
            httpx2.AsyncClient(
                base_url=own.address(NAME), headers=bearer, trust_env=False, timeout=ANSWERED_WITHIN
            ) as client,
        ):
            yield proxy, running, client


async def add(client: httpx2.AsyncClient) -> httpx2.Response:
    """Add one to a new counter."""
    return await client.post(f"/v1/counters/{uuid4()}/additions", json={"amount": 1})


async def test_requests_to_a_silent_postgres_are_told_to_come_again(settings: Settings) -> None:
    async with behind(settings) as (proxy, _, client):
        proxy.is_hole = True
        answers = await asyncio.gather(*(add(client) for _ in range(20)))
        assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "1")}
        proxy.is_hole = False


async def test_health_says_that_postgres_is_silent_before_whoever_asks_gives_up(settings: Settings) -> None:
    async with behind(settings) as (proxy, _, client):
        proxy.is_hole = True
        answers = await asyncio.gather(*(client.get("/health/ready", timeout=5.0) for _ in range(10)))
        assert [answer.json()["missing"] for answer in answers] == [["postgres"]] * 10
        proxy.is_hole = False


async def test_a_service_works_again_when_postgres_does(settings: Settings) -> None:
    async with behind(settings) as (proxy, running, client):
        proxy.is_hole = True
        assert (await add(client)).status_code == 503
        proxy.is_hole = False

        async def works() -> bool:
            return (await client.get("/health/ready")).status_code == 200 and (await add(client)).status_code == 200

        await eventually(works)

        async def all_are_numbered() -> bool:
            found = await running.pool.fetchval("SELECT (SELECT count(*) FROM event) = number FROM feed_head")
            return bool(found)

        await eventually(all_are_numbered)
        assert running.pool.get_size() == running.pool.get_idle_size()


async def test_whatever_is_said_of_a_connection_that_was_lost_in_hand_is_a_fault_that_passes(
    settings: Settings,
) -> None:
    said: list[Exception] = []
    async with behind(settings) as (proxy, running, _), running.pool.acquire() as connection:
        assert proxy.cut()

        async def is_let_go() -> bool:
            try:
                await connection.fetchval("SELECT 1")
            except Exception as error:
                said.append(error)
            return any("released" in str(error) for error in said)

        await eventually(is_let_go)
    assert all(is_passing(error) for error in said), said
