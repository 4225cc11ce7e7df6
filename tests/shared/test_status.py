"""How far every part is, as operators and Prometheus see it."""

import asyncio
from collections.abc import Mapping
from uuid import uuid4

import httpx2

from shared.message import Cause, Issued
from shared.parts import serving
from shared.performing import perform
from shared.settings import Settings
from shared.status import collect
from shared.timers import schedule
from shared.tokens import Tokens
from tests.shared.toy import WITH_VIEWS, Add, Take, at


async def test_what_waits_is_told(provisioned: Settings) -> None:
    async with serving(WITH_VIEWS, provisioned, parts=("http", "views")) as running, client(provisioned) as http:
        await running.views_live.wait()
        commands = [Add(counter_id=uuid4(), amount=1, at=at(0)) for _ in range(3)]
        await perform(running, [Issued(command, Cause("test", "test")) for command in commands])
        async with running.pool.acquire() as tx:
            take = Take(counter_id=uuid4(), amount=1, at=at(0))
            await schedule(tx, timer_id=uuid4(), due_at=at(-600000), stream_id=take.counter_id, command=take)
        told = (await http.get("/v1/status")).json()
        assert told["feed"]["unrelayed"] == told["views"]["behind"] == 3
        assert told["timers"] == {"overdue": 1}
        lines = (await http.get("/metrics")).text.splitlines()
        assert "branchline_relay_lag_events 3.0" in lines
        assert "branchline_views_behind_events 3.0" in lines
        assert "branchline_timers_overdue 1.0" in lines


async def test_when_all_is_done_nothing_waits(provisioned: Settings) -> None:
    async with serving(WITH_VIEWS, provisioned) as running, client(provisioned) as http:
        await running.views_live.wait()
        command = Add(counter_id=uuid4(), amount=1, at=at(0))
        await perform(running, [Issued(command, Cause("test", "test"))])
        async with asyncio.timeout(15):
            while (told := (await http.get("/v1/status")).json())["feed"]["relayed"] < 1 or told["views"]["behind"]:
                await asyncio.sleep(0.02)
        said = {"epoch": 1, "number": 1, "relayed": 1, "unrelayed": 0, "oldest_unrelayed_seconds": 0, "lost": 0}
        assert told["feed"] == said
        assert told["views"] == {"behind": 0, "live": True}
        assert "branchline_relay_records_total" in (await http.get("/metrics")).text


async def test_consumers_are_asked_side_by_side_where_kafka_ends(provisioned: Settings) -> None:
    both_ask = asyncio.Barrier(2)

    class Waiting:
        """A consumer whose broker answers when another has been asked, too."""

        topic, behind_since = "a topic", None

        def __init__(self, name: str) -> None:
            self.name = name

        async def ends(self) -> Mapping[int, int]:
            await both_ask.wait()
            return {0: 7}

    async with serving(WITH_VIEWS, provisioned, parts=()) as running:
        running.hearers += [Waiting("one"), Waiting("another")]
        async with asyncio.timeout(10):
            told = (await collect(running))["consumers"]
    assert [(one["consumer"], one["lag_events"]) for one in told] == [("another", 7), ("one", 7)]


def client(settings: Settings) -> httpx2.AsyncClient:
    bearer = f"Bearer {Tokens(settings).sign('headquarters')}"
    address = settings.address(WITH_VIEWS.name)
    return httpx2.AsyncClient(base_url=address, headers={"authorization": bearer}, trust_env=False)
