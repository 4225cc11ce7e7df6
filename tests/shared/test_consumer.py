"""What one service says, another applies once and in order, whatever Kafka does; what cannot be applied waits."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from shared.channel import Place
from shared.consumer import Consumer
from shared.message import BEGINNING, Envelope, Vocabulary
from shared.postgres import Tx
from shared.relay import Relay
from shared.running import CannotRun
from shared.settings import Settings
from tests.shared.pair import DEADLINE, LISTENER, PARTITIONS, Pair, at_work, eventually, pair
from tests.shared.topic import lose, records
from tests.shared.toy import NAME

BEATS = 0.3
NOWHERE = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.relay.BEAT_EVERY", BEATS)


async def are_relayed(two: Pair) -> bool:
    done = "SELECT h.number = c.number AND (SELECT count(*) FROM event) = h.number FROM feed_head h, relay_cursor c"
    async with two.speaker.pool.acquire() as tx:
        return bool(await tx.fetchval(done))


@asynccontextmanager
async def losing(two: Pair, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Let Kafka acknowledge what is said meanwhile, and lose it."""

    async def lost(_relay: Relay, _page: Any) -> None:
        return

    with monkeypatch.context() as patched:
        patched.setattr(Relay, "deliver", lost)
        yield
        await eventually(lambda: are_relayed(two))


async def test_what_is_said_is_applied_once_and_in_order(settings: Settings) -> None:
    first, second = uuid4(), uuid4()
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say((first, 1), (first, 2), (second, 3))
        await two.say((first, 4))
        await two.until_heard([1, 2, 4], first)
        await two.until_heard([3], second)


async def test_two_processes_that_hear_a_speaker_for_the_first_time_both_go_on(settings: Settings) -> None:
    async with pair(settings) as two:
        await two.say(*((uuid4(), amount) for amount in range(20)))
        async with at_work(two.consumer(), two.consumer(), two.consumer()):
            await two.until_heard(range(20))


async def test_a_name_that_is_not_found_for_a_moment_parks_nobody(settings: Settings) -> None:
    unfound = [socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")]
    async with pair(settings) as two:
        calm = two.consumer()

        async def keep(tx: Tx, told: Sequence[Envelope]) -> None:
            if unfound:
                raise unfound.pop()
            await two.keep(tx, told)

        consumer = Consumer(calm.applier.running, LISTENER, NAME, calm.applier.vocabulary, keep)
        async with at_work(consumer):
            await eventually(two.places)
            await two.say((uuid4(), 1))
            await two.until_heard([1])
        assert not unfound
        assert not await two.rows("parked_key")


async def test_a_tail_that_kafka_lost_shows_by_a_beat_and_comes_from_the_feed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = uuid4()
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say((counter, 1))
        await two.until_heard([1])
        async with losing(two, monkeypatch):
            await two.say((counter, 2), (counter, 3))
        await two.until_heard([1, 2, 3], counter)


async def test_a_hole_in_the_middle_is_filled_before_what_follows_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = uuid4()
    monkeypatch.setattr("shared.relay.BEAT_EVERY", 3600.0)
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say((counter, 1))
        await two.until_heard([1])
        async with losing(two, monkeypatch):
            await two.say((counter, 2))
        await two.say((counter, 3))
        await two.until_heard([1, 2, 3], counter)


async def test_what_kafka_kept_too_short_comes_from_the_feed(settings: Settings) -> None:
    counters = [uuid4() for _ in range(10)]
    async with pair(settings) as two:
        async with at_work(two.consumer()):
            await two.say(*((counter, 1) for counter in counters))
            await two.until_heard([1] * 10)
        await two.say(*((counter, 2) for counter in counters))
        await eventually(lambda: are_relayed(two))
        await lose(settings, two.topic)
        async with at_work(two.consumer()):
            await two.say(*((counter, 3) for counter in counters))
            await two.until_heard([1, 2, 3] * 10)


async def test_a_consumer_that_reads_from_a_wrong_offset_applies_nothing_twice(settings: Settings) -> None:
    counter = uuid4()
    async with pair(settings) as two:
        async with at_work(two.consumer()):
            await two.say((counter, 1), (counter, 2))
            await two.until_heard([1, 2])
        await two.listener.pool.execute("UPDATE consumed SET next_offset = 0")
        async with at_work(two.consumer()):
            await two.say((counter, 3))
            await two.until_heard([1, 2, 3], counter)


async def test_a_twin_that_was_asleep_applies_nothing(settings: Settings) -> None:
    counter = uuid4()
    async with pair(settings) as two:
        async with at_work(two.consumer()):
            await two.say((counter, 1), (counter, 2))
            await two.until_heard([1, 2])
        twin = two.consumer()
        await twin.hear(await records(settings, two.topic))
        await twin.settle()
        assert await two.amounts() == [1, 2]


async def test_a_batch_is_read_while_the_one_before_is_applied_and_waits_for_it(settings: Settings) -> None:
    counter, is_applying, may_end = uuid4(), asyncio.Event(), asyncio.Event()
    async with pair(settings) as two:

        async def keep(tx: Tx, told: Sequence[Envelope]) -> None:
            is_applying.set()
            await may_end.wait()
            await two.keep(tx, told)

        await two.say((counter, 1), (counter, 2))
        await eventually(lambda: are_relayed(two))
        told = [one for one in await records(settings, two.topic) if dict(one.headers).get("feed")]
        consumer = two.consumer()
        slow = Consumer(consumer.applier.running, LISTENER, NAME, consumer.applier.vocabulary, keep)
        async with two.listener.pool.acquire() as tx:
            await slow.applier.fence.place(tx, {part: Place(BEGINNING, 0) for part in range(PARTITIONS)})
        await slow.hear(told[:1])
        await is_applying.wait()
        ahead = asyncio.create_task(slow.hear(told[1:]))
        await asyncio.sleep(0)
        assert not ahead.done()
        may_end.set()
        await ahead
        await slow.settle()
        assert await two.amounts(counter) == [1, 2]


async def test_a_type_that_nobody_here_knows_is_passed_over(settings: Settings) -> None:
    async with pair(settings) as two:
        deaf = Consumer(two.consumer().applier.running, LISTENER, NAME, Vocabulary(()), two.keep)
        async with at_work(deaf):
            await two.say((uuid4(), 1))

            async def has_moved() -> bool:
                return any(place.last > BEGINNING for place in (await two.places()).values())

            await eventually(has_moved)
        assert await two.amounts() == []
        assert await two.rows("dead_letter") == []


async def test_a_fault_that_passes_is_waited_out(settings: Settings) -> None:
    failures = [asyncpg.SerializationError("again"), asyncpg.DeadlockDetectedError("again"), ConnectionResetError()]

    async with pair(settings) as two:

        async def keep(tx: Tx, told: Sequence[Envelope]) -> None:
            await two.keep(tx, told)
            if failures:
                raise failures.pop()

        consumer = two.consumer()
        shaky = Consumer(consumer.applier.running, LISTENER, NAME, consumer.applier.vocabulary, keep)
        async with at_work(shaky):
            await two.say((uuid4(), 1))
            await two.until_heard([1])
        assert await two.rows("dead_letter") == []


async def test_a_lost_connection_to_postgres_loses_nothing(settings: Settings) -> None:
    counter = uuid4()
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say((counter, 1))
        await two.until_heard([1])
        owner = await asyncpg.connect(settings.database_url)
        role = settings.schema(LISTENER)
        await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)
        await owner.close()
        await two.say((counter, 2))
        await asyncio.sleep(0)
        await two.until_heard([1, 2], counter)


async def test_a_consumer_whose_rows_were_taken_ends_and_says_that_it_must_be_started_again(settings: Settings) -> None:
    async with pair(settings) as two:
        counter, consumer = uuid4(), two.consumer()
        hearing = asyncio.create_task(consumer.run())
        await two.say((counter, 1))
        await two.until_heard([1], counter)
        await two.listener.pool.execute("DELETE FROM consumed")
        await two.say((counter, 2))
        with pytest.raises(CannotRun, match="start it again"):
            await asyncio.wait_for(hearing, DEADLINE)
        assert await two.amounts(counter) == [1]
