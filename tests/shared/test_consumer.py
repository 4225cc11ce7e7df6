"""What one service says, another applies once and in order, whatever Kafka does; what cannot be applied waits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared import applying
from shared.applying import MOST_PARKED
from shared.channel import Place
from shared.consumer import Consumer
from shared.message import BEGINNING, Envelope, Vocabulary
from shared.postgres import Tx
from shared.redrive import redrive
from shared.relay import Relay
from shared.settings import Settings
from shared.store import partition_of
from tests.shared.pair import LISTENER, PARTITIONS, Pair, at_work, eventually, pair
from tests.shared.topic import lose, put, records
from tests.shared.toy import NAME

BEATS = 0.3


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
        await two.consumer().hear(await records(settings, two.topic))
        assert await two.amounts() == [1, 2]


async def test_a_bad_record_parks_its_key_and_holds_up_no_other(settings: Settings) -> None:
    bad, good = uuid4(), [uuid4() for _ in range(20)]
    async with pair(settings) as two, at_work(consumer := two.consumer()):
        two.poison.amounts = {13}
        await two.say((bad, 1), (bad, 13), (bad, 2), *((one, 5) for one in good))
        await two.until_heard([1, *[5] * 20])
        await two.say((bad, 3), (good[0], 6))
        await two.until_heard([1, *[5] * 20, 6])
        await eventually(lambda: letters(two, bad, 3))
        (parked,) = await two.rows("parked_key")
        assert (parked["partition_key"], parked["cause"]) == (str(bad), "RuntimeError: a bug")

        (still,) = await redrive(consumer.applier)
        assert (still.key, still.applied, still.error) == (str(bad), 0, "RuntimeError: a bug")
        assert await two.amounts(bad) == [1]

        two.poison.amounts = set()
        (mended,) = await redrive(consumer.applier, str(bad))
        assert (mended.applied, mended.error) == (3, None)
        assert await two.rows("parked_key") == []
        await two.say((bad, 4))
        await two.until_heard([1, 13, 2, 3, 4], bad)


async def letters(two: Pair, key: UUID, waiting: int) -> bool:
    rows = [r for r in await two.rows("dead_letter") if r["partition_key"] == str(key) and not r["redriven_at"]]
    return len(rows) == waiting


async def test_a_body_that_no_version_can_read_parks_its_key(settings: Settings) -> None:
    bad, good = uuid4(), uuid4()
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say((bad, 1), (good, 1))
        await spoil(two, bad, '{"at": "yesterday"}')
        await two.say((good, 2))
        await two.until_heard([1, 1, 2])
        await eventually(lambda: letters(two, bad, 1))
        (parked,) = await two.rows("parked_key")
        assert parked["cause"].startswith("ContractBroken: Added.v1")


async def spoil(two: Pair, stream_id: UUID, body: str) -> None:
    """Put an event into the speaker's store whose body is no event's."""
    version = await two.speaker.pool.fetchval("SELECT version FROM stream WHERE id = $1", stream_id)
    part, meta = partition_of(stream_id, PARTITIONS), '{"correlation": "test", "causation": "test"}'
    await two.speaker.pool.execute(
        "SELECT append_events($1, '{counter}', $1, $2, '{1}', '{1}', '{\"{\\\"total\\\": 0}\"}',"
        " $1, $3, $4, '{1}', '{Added}', '{2026-11-02T12:00Z}', $5, $6)",
        [stream_id],
        [version],
        [version + 1],
        [part],
        [body],
        [meta],
    )
    two.speaker.appended.set()


async def test_a_bad_deploy_halts_the_consumer_and_loses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "HALTED_LOOK", 0.05)
    counters = [uuid4() for _ in range(MOST_PARKED * 4)]
    async with pair(settings) as two, at_work(consumer := two.consumer()):
        two.poison.amounts = {13}
        await two.say(*((counter, 13) for counter in counters))
        await eventually(lambda: two.rows("halted"))
        assert len(await two.rows("parked_key")) == MOST_PARKED
        assert await two.amounts() == []
        two.poison.amounts = set()
        await redrive(consumer.applier)
        await two.until_heard([13] * len(counters))
        assert await two.rows("halted") == []


async def test_a_record_that_is_not_the_speakers_is_set_aside_and_moves_nothing(settings: Settings) -> None:
    counter = uuid4()
    source = f"/branchline/{settings.cell}/{NAME}".encode()
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say((counter, 1))
        await two.until_heard([1])
        part = partition_of(counter, PARTITIONS)
        place = await places(two)
        await put(settings, two.topic, part, [])
        await put(settings, two.topic, part, [("ce_source", source)])
        await put(settings, two.topic, part, [("ce_source", source), ("feed", b"next")])
        await put(settings, two.topic, part, [("feed", b"9:9:0:0"), ("noise", b"\xff\x00")], b"\x00")
        await eventually(lambda: are_set_aside(two, 4))
        assert {p: place.last for p, place in (await places(two)).items()} == {p: one.last for p, one in place.items()}
        await two.say((counter, 2))
        await two.until_heard([1, 2], counter)


async def are_set_aside(two: Pair, count: int) -> bool:
    return len(await two.rows("set_aside")) == count


async def places(two: Pair) -> dict[int, Place]:
    async with two.listener.pool.acquire() as tx:
        return await two.consumer().applier.fence.places(tx)


async def test_a_type_that_nobody_here_knows_is_passed_over(settings: Settings) -> None:
    async with pair(settings) as two:
        deaf = Consumer(two.consumer().applier.running, LISTENER, NAME, Vocabulary(()), two.keep)
        async with at_work(deaf):
            await two.say((uuid4(), 1))

            async def has_moved() -> bool:
                return any(place.last > BEGINNING for place in (await places(two)).values())

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
