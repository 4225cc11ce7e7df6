"""Commands that wait for a turn go together, and none of them pays for another's fault."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.handling import Outcome
from shared.message import Cause, Command, Envelope, Event, Issued
from shared.performing import perform, perform_one
from shared.postgres import Tx
from shared.running import Running, finish, start
from shared.settings import Settings
from tests.shared.toy import COUNTER, TOY, Add, Break, at

CAUSE = Cause("test", "test")


class Nothing:
    """Guards that know and keep nothing."""

    async def gather(self, tx: Tx, commands: Sequence[Command], /) -> Sequence[Command]:
        """Bring nothing."""
        return commands

    async def guard(self, tx: Tx, events: Sequence[Envelope], /) -> None:
        """Keep nothing."""


def renewed(command: Command, before: Command, told: Sequence[Event]) -> Command:
    """Return the command as it is: counters need to know nothing."""
    return command


@pytest.fixture
async def sharing(provisioned: Settings) -> AsyncIterator[Running]:
    """Yield counters whose commands go with those for others."""
    shared = replace(COUNTER, guards=Nothing(), renewed={Add: renewed, Break: renewed})
    running = await start(replace(TOY, aggregates=(shared,)), provisioned)
    yield running
    await finish(running)


async def test_what_is_renewed_goes_together_whatever_it_writes(
    sharing: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters, together, handled = [uuid4() for _ in range(50)], sharing.handler.handle, list[int]()

    async def counted(tx: Tx, issued: Sequence[Issued], patience: timedelta | None = None) -> list[Outcome]:
        handled.append(len(issued))
        return await together(tx, issued, patience)

    monkeypatch.setattr(sharing.handler, "handle", counted)
    await asyncio.gather(*(perform_one(sharing, add(c), CAUSE) for c in counters for _ in range(3)))
    assert [await total(sharing, c) for c in counters] == [3] * 50
    assert len(handled) < 10
    assert not sharing.queues.waiting
    assert not sharing.queues.writing


async def test_a_bug_in_one_command_fails_none_of_those_that_went_with_it(sharing: Running) -> None:
    counters = [uuid4() for _ in range(20)]
    asked: list[Command] = [add(c) for c in counters]
    asked.insert(10, Break(counter_id=uuid4(), at=at(0)))
    outcomes = await asyncio.gather(*(perform_one(sharing, one, CAUSE) for one in asked), return_exceptions=True)
    assert [type(one) for one in outcomes if not isinstance(one, Outcome)] == [RuntimeError]
    assert [await total(sharing, c) for c in counters] == [1] * 20


async def test_a_locked_stream_keeps_nobody_else_waiting(sharing: Running) -> None:
    counters = [uuid4() for _ in range(12)]
    await perform(sharing, [Issued(add(c), CAUSE) for c in counters])
    async with sharing.pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM stream WHERE id = $1 FOR NO KEY UPDATE", counters[4])
        asked = {c: asyncio.create_task(perform_one(sharing, add(c), CAUSE)) for c in counters}
        locked = asked.pop(counters[4])
        async with asyncio.timeout(8):
            await asyncio.gather(*asked.values())
        assert not locked.done()
    await locked
    assert [await total(sharing, c) for c in counters] == [2] * 12


async def test_what_nobody_waits_for_any_more_is_not_done(sharing: Running) -> None:
    counters = [uuid4() for _ in range(9)]
    asked = [asyncio.create_task(perform_one(sharing, add(c), CAUSE)) for c in counters]
    await asyncio.sleep(0)
    for one in asked[::3]:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert [await total(sharing, c) for c in counters] == [0, 1, 1] * 3


async def total(running: Running, counter: UUID) -> int:
    async with running.pool.acquire() as tx:
        return int((await running.handler.state(tx, "counter", counter))[1].total)


def add(counter: UUID) -> Add:
    return Add(counter_id=counter, amount=1, at=at(0))
