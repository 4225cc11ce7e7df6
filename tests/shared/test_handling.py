"""Commands become events: once, in order, at the version they were decided on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from shared.errors import Conflict, Rejected
from shared.handling import Outcome
from shared.idempotency import Idempotency, KeyReused
from shared.message import Cause, Command, Envelope, Issued
from shared.performing import in_transaction, perform, perform_one
from shared.postgres import Tx
from shared.running import Running, finish, start
from shared.settings import Settings
from shared.store import once
from tests.shared.toy import COUNTER, TOY, Add, Added, Take, at

CAUSE = Cause("test", "test")


def adds(counter: UUID, *amounts: int) -> list[Issued]:
    return [Issued(Add(counter_id=counter, amount=amount, at=at(0)), CAUSE) for amount in amounts]


async def test_a_batch_of_many_streams_is_appended_in_order(toy: Running) -> None:
    first, second = uuid4(), uuid4()
    outcomes = await perform(toy, [*adds(first, 1, 2), *adds(second, 3), *adds(first, 4)])
    assert [o.version for o in outcomes] == [1, 2, 1, 3]
    assert [e.version for e in await history(toy, first)] == [1, 2, 3]
    assert await total(toy, first) == 7


async def test_a_refusal_in_a_batch_stops_no_other_command(toy: Running) -> None:
    counter, other = uuid4(), uuid4()
    take = Issued(Take(counter_id=counter, amount=5, at=at(0)), CAUSE)
    refused, done = await perform(toy, [take, *adds(other, 1)])
    assert refused.refusal and refused.refusal.code == "not-enough"
    assert refused.refusal.facts == {"total": 0}
    assert done.version == 1


async def test_a_hundred_takers_of_seven_get_seven(toy: Running) -> None:
    counter = uuid4()
    await perform(toy, adds(counter, 7))

    async def take() -> bool:
        try:
            await perform_one(toy, Take(counter_id=counter, amount=1, at=at(1)), CAUSE)
        except Rejected:
            return False
        return True

    assert sum(await asyncio.gather(*(take() for _ in range(100)))) == 7
    assert await total(toy, counter) == 0


async def test_the_same_key_and_body_gets_the_first_outcome_again(toy: Running) -> None:
    counter = uuid4()
    key = Idempotency(uuid4(), b"body")
    add = Add(counter_id=counter, amount=1, at=at(0))
    outcomes = await asyncio.gather(*(perform_one(toy, add, CAUSE, idempotency=key) for _ in range(20)))
    assert {o.version for o in outcomes} == {1}
    assert [o.replayed for o in outcomes].count(False) == 1
    assert await total(toy, counter) == 1


async def test_a_refusal_is_replayed_too(toy: Running) -> None:
    counter = uuid4()
    key = Idempotency(uuid4(), b"body")
    take = Take(counter_id=counter, amount=1, at=at(0))
    with pytest.raises(Rejected, match="not-enough"):
        await perform_one(toy, take, CAUSE, idempotency=key)
    await perform(toy, adds(counter, 1))
    with pytest.raises(Rejected, match="not-enough"):
        await perform_one(toy, take, CAUSE, idempotency=key)


async def test_the_same_key_with_another_body_is_refused(toy: Running) -> None:
    counter, key = uuid4(), uuid4()
    add = Add(counter_id=counter, amount=1, at=at(0))
    await perform_one(toy, add, CAUSE, idempotency=Idempotency(key, b"one"))
    with pytest.raises(KeyReused):
        await perform_one(toy, add, CAUSE, idempotency=Idempotency(key, b"two"))
    assert await total(toy, counter) == 1


async def test_two_batches_that_cross_do_not_deadlock(toy: Running) -> None:
    counters = [uuid4() for _ in range(20)]
    there = [one for c in counters for one in adds(c, 1)]
    await asyncio.gather(*(perform(toy, batch) for batch in [there, there[::-1]] * 10))
    assert [await total(toy, c) for c in counters] == [20] * 20


async def test_a_stream_that_moved_after_it_was_read_is_a_conflict(toy: Running) -> None:
    counter = uuid4()
    add = adds(counter, 1)[0]
    async with toy.pool.acquire() as slow, slow.transaction():
        await toy.handler.one(slow, add, None)
        race = asyncio.create_task(_once(toy, add))
        await waits_for_a_lock(toy)
    with pytest.raises(Conflict):
        await race
    assert await total(toy, counter) == 1


class Alone:
    """Guards without a table: what they guard is handled by one transaction at a time, from its first event on."""

    async def gather(self, tx: Tx, commands: Sequence[Command], /) -> Sequence[Command]:
        """Bring nothing."""
        return commands

    async def guard(self, tx: Tx, events: Sequence[Envelope], /) -> None:
        """Keep nothing."""


@pytest.fixture
async def guarded(provisioned: Settings) -> AsyncIterator[Running]:
    running = await start(replace(TOY, aggregates=(replace(COUNTER, guards=Alone()),)), provisioned)
    yield running
    await finish(running)


async def test_of_two_first_commands_of_a_guarded_stream_the_second_sees_what_the_first_has_done(
    guarded: Running,
) -> None:
    counter = uuid4()

    async def takes() -> list[Outcome]:
        async with guarded.pool.acquire() as tx, tx.transaction():
            return await guarded.handler.handle(tx, [Issued(Take(counter_id=counter, amount=3, at=at(1)), CAUSE)])

    async with guarded.pool.acquire() as first, first.transaction():
        await guarded.handler.handle(first, adds(counter, 5))
        second = asyncio.create_task(takes())
        await waits_for_a_lock(guarded)
    (outcome,) = await second
    assert (outcome.version, outcome.refusal) == (2, None)
    assert await total(guarded, counter) == 2


async def test_an_id_that_another_kind_of_stream_has_is_taken(toy: Running, provisioned: Settings) -> None:
    counter = uuid4()
    await perform(toy, adds(counter, 1))
    other = await start(replace(TOY, aggregates=(replace(COUNTER, category="clock"),)), provisioned)
    with pytest.raises(Rejected, match="id-taken"):
        await perform(other, adds(counter, 1))
    async with other.pool.acquire() as tx:
        with pytest.raises(Rejected, match="id-taken"):
            await other.handler.state(tx, "clock", counter)
    await finish(other)
    assert await total(toy, counter) == 1


async def test_events_are_neither_changed_nor_deleted_by_the_service(toy: Running) -> None:
    await perform(toy, adds(uuid4(), 1))
    for statement in ("UPDATE event SET version = 9", "DELETE FROM event", "TRUNCATE event"):
        with pytest.raises(Exception, match="permission denied"):
            await toy.pool.execute(statement)


async def test_a_state_of_another_shape_is_folded_again(toy: Running) -> None:
    counter = uuid4()
    await perform(toy, adds(counter, 1, 2))
    await toy.pool.execute("UPDATE stream SET shape = 99, state = '{}' WHERE id = $1", counter)
    await perform(toy, adds(counter, 3))
    assert await total(toy, counter) == 6


async def test_what_happens_once_for_ever_happens_to_one_of_many(toy: Running) -> None:
    key = uuid4()
    firsts = await asyncio.gather(*(in_transaction(toy, lambda tx: once(tx, key)) for _ in range(8)))
    assert sorted(firsts) == [False] * 7 + [True]


async def test_a_failed_act_leaves_nothing(toy: Running) -> None:
    counter = uuid4()

    async def act(tx: Tx) -> None:
        await toy.handler.handle(tx, adds(counter, 1))
        raise RuntimeError("a bug after the append")

    with pytest.raises(RuntimeError):
        await in_transaction(toy, act)
    assert await total(toy, counter) == 0


async def waits_for_a_lock(toy: Running) -> None:
    async with asyncio.timeout(20):
        while not await toy.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)


async def _once(toy: Running, issued: Issued) -> None:
    async with toy.pool.acquire() as connection:
        await toy.handler.one(connection, issued, None)


async def history(toy: Running, counter: UUID) -> list[Added]:
    async with toy.pool.acquire() as tx:
        return await toy.handler.history(tx, "counter", counter)  # type: ignore[return-value]


async def total(toy: Running, counter: UUID) -> int:
    async with toy.pool.acquire() as tx:
        return int((await toy.handler.state(tx, "counter", counter))[1].total)
