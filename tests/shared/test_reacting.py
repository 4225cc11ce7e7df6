"""What one service says makes another act, once, with a reason; a refusal is an answer and holds up nothing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson

from shared.message import Command, Issued
from shared.migrations import provision
from shared.parts import serving
from shared.performing import perform
from shared.running import Running
from shared.service import Hearing, Service
from shared.settings import Settings
from shared.tokens import Tokens
from tests.shared.pair import CAUSE, LISTENER, PARTITIONS, eventually
from tests.shared.toy import COUNTER, NAME, TOY, Add, Added, Break, Take, at

UNLUCKY, TOO_MUCH = 13, 1000


@dataclass
class Deploy:
    """The rules as they are deployed, with a bug or without."""

    has_bug: bool = True

    def react(self, event: Added) -> Sequence[Command]:
        """Count what the other counts; take where it adds too much."""
        if event.amount == UNLUCKY and self.has_bug:
            return [Break(at=event.at, counter_id=event.counter_id)]
        kind = Take if event.amount == TOO_MUCH else Add
        return [kind(at=event.at, counter_id=event.counter_id, amount=event.amount)]


@dataclass
class Two:
    """A speaker and a reactor at work."""

    settings: Settings
    speaker: Running
    reactor: Running

    async def say(self, *told: tuple[UUID, int]) -> None:
        """Let the speaker add to counters."""
        await perform(self.speaker, [Issued(Add(counter_id=i, amount=n, at=at(0)), CAUSE) for i, n in told])

    async def total(self, counter_id: UUID) -> int:
        """Return what the reactor has counted."""
        async with self.reactor.pool.acquire() as tx:
            _, counter = await self.reactor.handler.state(tx, "counter", counter_id)
        return int(counter.total)

    async def until_total(self, counter_id: UUID, total: int) -> None:
        """Wait for a total."""

        async def is_reached() -> bool:
            return await self.total(counter_id) == total

        await eventually(is_reached)

    async def call(self, method: str, path: str, **body: Any) -> Any:
        """Ask the reactor as headquarters."""
        token = Tokens(self.settings).sign("headquarters")
        async with httpx2.AsyncClient(base_url=self.settings.address(LISTENER), trust_env=False) as client:
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            answer = await client.request(method, path, content=orjson.dumps(body), headers=headers)
        return answer.json()


@asynccontextmanager
async def reacting(settings: Settings, deploy: Deploy) -> AsyncIterator[Two]:
    """Run both."""
    reactor = Service(LISTENER, aggregates=(COUNTER,), hears=(Hearing(NAME, (Added,), deploy.react),))
    for name in (NAME, LISTENER):
        await provision(settings, name, None, partitions=PARTITIONS)
    async with serving(TOY, settings, parts=("sequencer", "relay", "http")) as speaker:
        parts = ("sequencer", "consumers", "http")
        async with serving(reactor, settings, parts=parts, start_from="beginning") as running:
            yield Two(settings, speaker, running)


async def test_what_is_said_is_acted_on_once_and_remembers_why(settings: Settings) -> None:
    counter = uuid4()
    async with reacting(settings, Deploy()) as two:
        await two.say((counter, 2), (counter, 3))
        await two.until_total(counter, 5)
        rows = await two.reactor.pool.fetch("SELECT meta::text, occurred_at FROM event ORDER BY seq")
        assert [orjson.loads(row["meta"]) for row in rows] == [
            {"correlation": "test", "causation": f"counter-{counter}/1"},
            {"correlation": "test", "causation": f"counter-{counter}/2"},
        ]
        assert {row["occurred_at"] for row in rows} == {at(0)}


async def test_a_refusal_is_kept_with_its_cause_and_the_key_goes_on(settings: Settings) -> None:
    counter = uuid4()
    async with reacting(settings, Deploy()) as two:
        await two.say((counter, 1), (counter, TOO_MUCH), (counter, 2))
        await two.until_total(counter, 3)
        (row,) = await two.reactor.pool.fetch("SELECT cause, command::text, code, facts::text FROM refused")
        assert (row["cause"], row["code"], orjson.loads(row["facts"])) == (
            f"counter-{counter}/2",
            "not-enough",
            {"total": 1},
        )
        assert orjson.loads(row["command"])["type"] == "Take"


async def test_headquarters_sees_what_is_parked_and_has_it_tried_again(settings: Settings) -> None:
    bad, good, deploy = uuid4(), uuid4(), Deploy()
    async with reacting(settings, deploy) as two:
        await two.say((bad, 1), (bad, UNLUCKY), (bad, 2), (good, 3))
        await two.until_total(good, 3)
        await two.until_total(bad, 1)

        async def is_seen() -> bool:
            return [one["waiting"] for one in await two.call("GET", "/v1/parked")] == [2]

        await eventually(is_seen)
        (parked,) = await two.call("GET", "/v1/parked")
        assert (parked["key"], parked["cause"], parked["tries"]) == (str(bad), "RuntimeError: a bug", 1)
        where = {"consumer": LISTENER, "topic": settings.topic(NAME)}
        again = await two.call("POST", "/v1/parked/redrive", **where)
        assert again == {"keys": [{"key": str(bad), "applied": 0, "error": "RuntimeError: a bug"}]}
        deploy.has_bug = False
        again = await two.call("POST", "/v1/parked/redrive", **where, key=str(bad))
        assert again == {"keys": [{"key": str(bad), "applied": 2, "error": None}]}
        assert await two.total(bad) == 1 + UNLUCKY + 2
        assert await two.call("GET", "/v1/parked") == []
        assert (await two.call("POST", "/v1/parked/redrive", consumer="nobody", topic="x"))[
            "code"
        ] == "consumer-unknown"
