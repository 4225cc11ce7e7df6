"""What cannot be applied waits, with what follows it; others go on; what is not the speaker's moves nothing."""

import math
from uuid import UUID, uuid4

import pytest

from shared import applying, relay
from shared.applying import MOST_PARKED
from shared.redrive import redrive
from shared.settings import Settings
from shared.store import partition_of
from tests.shared.pair import PARTITIONS, Pair, at_work, eventually, pair
from tests.shared.topic import put
from tests.shared.toy import NAME


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


async def test_a_record_that_is_not_the_speakers_is_set_aside_and_moves_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BEAT_EVERY", math.inf)  # a beat behind them would move the place past them
    counter = uuid4()
    source = f"/branchline/{settings.cell}/{NAME}".encode()
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say((counter, 1))
        await two.until_heard([1])
        part = partition_of(counter, PARTITIONS)
        place = await two.places()
        await put(settings, two.topic, part, [])
        await put(settings, two.topic, part, [("ce_source", source)])
        await put(settings, two.topic, part, [("ce_source", source), ("feed", b"next")])
        await put(settings, two.topic, part, [("feed", b"9:9:0:0"), ("noise", b"\xff\x00")], b"\x00")
        await eventually(lambda: are_set_aside(two, 4))
        assert {p: place.last for p, place in (await two.places()).items()} == {p: one.last for p, one in place.items()}
        await eventually(lambda: is_read_to(two, part, place[part].next_offset + 4))
        await two.say((counter, 2))
        await two.until_heard([1, 2], counter)


async def is_read_to(two: Pair, part: int, offset: int) -> bool:
    """Return whether nothing below is counted as still to be heard."""
    return (await two.places())[part].next_offset >= offset


async def are_set_aside(two: Pair, count: int) -> bool:
    return len(await two.rows("set_aside")) == count
