"""A new consumer is told where to begin: with everything that was ever said, or with what is said from now on."""

import asyncio
from uuid import uuid4

import pytest

from shared import catching_up
from shared.catching_up import CatchingUp, NotPlaced
from shared.settings import Settings
from tests.shared.pair import LISTENER, PARTITIONS, Pair, at_work, eventually, pair
from tests.shared.topic import lose


async def test_a_consumer_that_was_not_told_where_to_begin_says_so_and_does_not_start(settings: Settings) -> None:
    async with pair(settings) as two:
        with pytest.raises(NotPlaced, match=f"{LISTENER} has never heard {two.topic}.*--from beginning"):
            await two.consumer(start_from=None).run()
        assert await two.rows("consumed") == []


async def test_a_consumer_from_the_beginning_hears_what_kafka_no_longer_has(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "PAGE", 7)
    counter, others = uuid4(), [uuid4() for _ in range(20)]
    async with pair(settings) as two:
        await two.say((counter, 1), (counter, 2), *((one, 5) for one in others))
        await eventually(lambda: has_relayed(two, 22))
        await lose(settings, two.topic)
        async with at_work(two.consumer()):
            await two.until_heard([1, 2, *[5] * 20])
            await two.say((counter, 3))
            await two.until_heard([1, 2, 3], counter)
        assert len({row["number"] for row in await two.rows("consumed") if row["number"] < 23}) == 1


async def has_relayed(two: Pair, number: int) -> bool:
    return bool(await two.speaker.pool.fetchval("SELECT number >= $1 FROM relay_cursor", number))


async def test_what_is_said_while_the_feed_is_read_is_heard_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "PAGE", 10)
    counters = [uuid4() for _ in range(5)]
    async with pair(settings) as two:
        await two.say(*((one, n) for n in range(40) for one in counters))

        async def go_on() -> None:
            for n in range(40, 80):
                await two.say(*((one, n) for one in counters))
                await asyncio.sleep(0.005)

        traffic = asyncio.create_task(go_on())
        async with at_work(two.consumer()):
            await traffic
            for one in counters:
                await two.until_heard(range(80), one)


async def test_a_consumer_from_now_on_hears_only_what_is_new(settings: Settings) -> None:
    counter = uuid4()
    async with pair(settings) as two:
        await two.say((counter, 1))
        await eventually(lambda: has_relayed(two, 1))
        async with at_work(two.consumer(start_from="now")):
            await eventually(lambda: two.rows("consumed"))
            await two.say((counter, 2))
            await two.until_heard([2])


async def test_a_hand_over_that_was_broken_off_goes_on_where_it_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "PAGE", 10)
    monkeypatch.setattr("shared.relay.BEAT_EVERY", 0.3)
    counters = [uuid4() for _ in range(10)]
    async with pair(settings) as two:
        await two.say(*((one, n) for n in range(10) for one in counters))
        await eventually(lambda: has_relayed(two, 100))
        await lose(settings, two.topic)
        first = two.consumer()
        hand_over = asyncio.create_task(CatchingUp(first.applier).be_placed("beginning"))
        await eventually(two.amounts)
        hand_over.cancel()
        await asyncio.gather(hand_over, return_exceptions=True)
        assert 0 < len(await two.amounts()) < 100
        async with at_work(two.consumer(start_from=None)):
            for one in counters:
                await two.until_heard(range(10), one)


async def test_a_topic_with_more_partitions_than_the_rows_know_is_not_heard(settings: Settings) -> None:
    async with pair(settings) as two:
        async with at_work(two.consumer()):
            await two.say((uuid4(), 1))
            await two.until_heard([1])
        await two.listener.pool.execute("DELETE FROM consumed WHERE part = 0")
        with pytest.raises(NotPlaced, match=f"{PARTITIONS - 1} rows for the {PARTITIONS} partitions"):
            await two.consumer().run()
