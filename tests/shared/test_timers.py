"""Timers fire when they are due, the earliest of a stream first, once; what fails is tried again, then waits."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from shared.message import Command
from shared.running import Running
from shared.timers import TRIES, cancel, fire, schedule
from tests.shared.toy import Add, Added, Break, Take

PAST = datetime.now(UTC) - timedelta(hours=1)
NEVER = PAST + timedelta(days=365)


async def plan(toy: Running, command: Command, due_at: datetime, timer_id: UUID | None = None) -> UUID:
    timer_id = timer_id or uuid4()
    stream_id = toy.handler.stream_of(command)
    async with toy.pool.acquire() as tx:
        await schedule(tx, timer_id=timer_id, due_at=due_at, stream_id=stream_id, command=command)
    return timer_id


def add(counter: UUID, amount: int = 1) -> Add:
    return Add(counter_id=counter, amount=amount, at=PAST)


async def amounts(toy: Running, counter: UUID) -> list[int]:
    async with toy.pool.acquire() as tx:
        told = [e.event for e in await toy.handler.history(tx, "counter", counter)]
        return [event.amount for event in told if isinstance(event, Added)]


async def test_what_is_due_fires_once_with_its_due_time_and_what_is_not_waits(toy: Running) -> None:
    counter, due_at = uuid4(), PAST + timedelta(minutes=7)
    await plan(toy, add(counter), due_at)
    await plan(toy, add(counter, 9), NEVER)
    await fire(toy)
    await fire(toy)
    async with toy.pool.acquire() as tx:
        told = await toy.handler.history(tx, "counter", counter)
    assert [e.event.at for e in told] == [due_at]


async def test_the_earliest_of_a_stream_fires_first(toy: Running) -> None:
    counter = uuid4()
    for minute in (3, 1, 2):
        await plan(toy, add(counter, minute), PAST + timedelta(minutes=minute))
    while await fire(toy):
        pass
    assert await amounts(toy, counter) == [1, 2, 3]


async def test_a_timer_set_again_is_moved_and_one_that_fired_stays(toy: Running) -> None:
    counter = uuid4()
    moved = await plan(toy, add(counter, 1), NEVER)
    await plan(toy, add(counter, 2), PAST, moved)
    await fire(toy)
    await plan(toy, add(counter, 3), PAST, moved)
    await fire(toy)
    assert await amounts(toy, counter) == [2]


async def test_a_timer_taken_back_does_not_fire(toy: Running) -> None:
    counter = uuid4()
    timer = await plan(toy, add(counter), PAST)
    async with toy.pool.acquire() as tx:
        await cancel(tx, timer)
    assert await fire(toy) == 0


async def test_a_refused_command_has_fired_and_is_kept_among_the_refused(toy: Running) -> None:
    timer = await plan(toy, Take(counter_id=uuid4(), amount=5, at=PAST), PAST)
    await fire(toy)
    assert await toy.pool.fetchval("SELECT fired_at IS NOT NULL FROM timer WHERE id = $1", timer)
    refused = await toy.pool.fetchrow("SELECT cause, code FROM refused")
    assert refused and (refused["cause"], refused["code"]) == (f"timer-{timer}", "not-enough")


async def test_a_bug_holds_up_no_other_stream_and_is_tried_later(toy: Running) -> None:
    broken, other = uuid4(), uuid4()
    timer = await plan(toy, Break(counter_id=broken, at=PAST), PAST)
    await plan(toy, add(broken), PAST + timedelta(minutes=1))
    await plan(toy, add(other), PAST)
    await fire(toy)
    assert (await amounts(toy, other), await amounts(toy, broken)) == ([1], [])
    row = await toy.pool.fetchrow("SELECT tries, error, next_try_at > now() AS later FROM timer WHERE id = $1", timer)
    assert row and (row["tries"], row["error"], row["later"]) == (1, "RuntimeError: a bug", True)
    assert await fire(toy) == 0


async def test_a_bug_that_stays_is_parked_and_its_stream_waits(toy: Running) -> None:
    broken = uuid4()
    await plan(toy, Break(counter_id=broken, at=PAST), PAST)
    await plan(toy, add(broken), PAST + timedelta(minutes=1))
    for _ in range(TRIES + 1):
        await toy.pool.execute("UPDATE timer SET next_try_at = '-infinity'")
        await fire(toy)
    assert await toy.pool.fetchval("SELECT count(*) FROM timer WHERE parked_at IS NOT NULL AND tries = $1", TRIES) == 1
    assert await amounts(toy, broken) == []


async def test_a_command_that_no_longer_exists_waits_like_a_bug(toy: Running) -> None:
    timer = await plan(toy, add(uuid4()), PAST)
    await toy.pool.execute("UPDATE timer SET type = 'Forgotten' WHERE id = $1", timer)
    await fire(toy)
    assert await toy.pool.fetchval("SELECT error FROM timer WHERE id = $1", timer) == "KeyError: 'Forgotten'"


async def test_many_processes_fire_each_timer_once(toy: Running) -> None:
    counters = [uuid4() for _ in range(150)]
    for counter in counters:
        await plan(toy, add(counter), PAST)
    while any(await asyncio.gather(*(fire(toy) for _ in range(4)))):
        pass
    assert [await amounts(toy, counter) for counter in counters] == [[1]] * 150
