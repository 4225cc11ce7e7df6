"""The relay sends what the feed says: once if all goes well, again after an accident, and never with a hole."""

import ast
import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError

from shared import outlet, relay
from shared.channel import first_break, read_link, read_position
from shared.errors import Unavailable
from shared.feed import number_events
from shared.message import Issued
from shared.relay import ChainBroken, Led, Relay
from shared.running import COMMAND_CONNECTIONS
from shared.settings import Settings
from tests.shared.pair import CAUSE, PARTITIONS, Pair, eventually, owner, pair
from tests.shared.topic import records
from tests.shared.toy import NAME, Add, at

BANNED = {"send", "send_and_wait", "publish", "publish_batch"}
SHARED = Path(relay.__file__).parent


async def told(two: Pair) -> list[Any]:
    """Return the events on the topic, without beats."""
    return [record for record in await records(two.settings, two.topic) if dict(record.headers).get("feed")]


async def say(two: Pair, *amounts: int) -> None:
    """Let one counter speak, and number what it said."""
    counter = uuid4()
    await two.say(*((counter, amount) for amount in amounts))
    async with two.speaker.pool.acquire() as connection:
        await number_events(connection)


async def one_page(two: Pair, work: Relay, led: Led) -> Led | None:
    page = await work.read(led.number)
    await work.deliver(page)
    return await work.move(led, page)


async def leading(work: Relay) -> Led:
    led = await work.lead()
    assert led
    return led


async def test_a_record_is_a_cloud_event_with_its_place_in_the_feed(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        await say(two, 1, 2)
        work = Relay(two.speaker, lease=5)
        await one_page(two, work, await leading(work))
        await work.outlet.close()
        first, second = await told(two)
        row = await two.speaker.pool.fetchrow(
            "SELECT stream_id, part, data::text, recorded_at FROM event WHERE seq = 1"
        )
        assert row
        assert first.key == str(row["stream_id"]).encode()
        assert (first.partition, first.value.decode()) == (row["part"], row["data"])
        assert first.timestamp == round(row["recorded_at"].timestamp() * 1_000_000) // 1000
        assert dict(first.headers) == {
            "ce_specversion": b"1.0",
            "ce_id": f"counter-{row['stream_id']}/1".encode(),
            "ce_source": f"/branchline/{settings.cell}/{NAME}".encode(),
            "ce_type": f"branchline.{NAME}.Added.v1".encode(),
            "ce_time": b"2026-11-02T12:00:00Z",
            "ce_correlationid": b"test",
            "ce_causationid": b"test",
            "feed": b"1:1:0:0",
        }
        assert dict(second.headers)["feed"] == b"1:2:1:1"


async def test_what_is_committed_is_told_while_commands_have_taken_every_connection(settings: Settings) -> None:
    async with pair(settings, parts=("sequencer", "relay")) as two, AsyncExitStack() as taken:
        pool, handler = two.speaker.pool, two.speaker.handler
        tx, *_others = [await taken.enter_async_context(pool.acquire()) for _ in range(COMMAND_CONNECTIONS)]
        await handler.handle(tx, [Issued(Add(counter_id=uuid4(), amount=1, at=at(0)), CAUSE)])
        two.speaker.appended.set()

        async def is_relayed() -> bool:
            return bool(await tx.fetchval("SELECT number = 1 FROM relay_cursor"))

        await eventually(is_relayed)
        assert not pool.get_idle_size()


async def test_after_an_error_nothing_more_goes_to_the_partition(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "LARGEST_BATCH", 900)
    genuine = outlet.open_producer
    sent: list[int] = []

    async def failing(settings: Settings) -> Any:
        producer = await genuine(settings)
        send = producer.send_batch

        async def send_batch(batch: Any, topic: str, *, partition: int) -> Any:
            sent.append(partition)
            if len(sent) == 2:
                failed = asyncio.get_running_loop().create_future()
                failed.set_exception(KafkaError("too large"))
                return failed
            return await send(batch, topic, partition=partition)

        producer.send_batch = send_batch
        return producer

    async with pair(settings, parts=("http",)) as two:
        await say(two, *range(8))
        work = Relay(two.speaker, lease=60)
        led = await leading(work)
        with monkeypatch.context() as patched:
            patched.setattr(outlet, "open_producer", failing)
            with pytest.raises(Unavailable, match="too large"):
                await one_page(two, work, led)
        assert len(sent) == 2
        links = [read_link(dict(record.headers)["feed"]) for record in await told(two)]
        assert 0 < len(links) < 8
        assert await one_page(two, work, led) == Led(led.leader, 8)
        links = [read_link(dict(record.headers)["feed"]) for record in await told(two)]
        assert first_break(links[-8:]) is None
        await work.outlet.close()


async def test_a_chain_with_a_hole_is_not_sent(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        await say(two, 1, 2, 3)
        work = Relay(two.speaker, lease=60)
        page = await work.read(0)
        with pytest.raises(ChainBroken):
            await work.deliver(replace(page, rows=[page.rows[0], page.rows[2]]))
        assert await told(two) == []


async def test_every_partition_gets_a_beat(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        for amount in range(20):
            await say(two, amount)
        work = Relay(two.speaker, lease=60)
        led = await one_page(two, work, await leading(work))
        assert led
        await work.beat(led)
        await work.outlet.close()
        found = await records(settings, two.topic)
        beats = {r.partition: dict(r.headers) for r in found if not dict(r.headers).get("feed")}
        lasts = {r.partition: dict(r.headers) for r in found if dict(r.headers).get("feed")}
        assert set(beats) == set(range(PARTITIONS))
        for part, beat in beats.items():
            assert read_position(beat["beat"]) == read_link(lasts[part]["feed"]).position
            assert (beat["ce_id"], beat["epoch"]) == (lasts[part]["ce_id"], b"1")


async def test_a_partition_that_never_spoke_gets_a_beat_too(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        work = Relay(two.speaker, lease=60)
        await work.beat(await leading(work))
        await work.outlet.close()
        told = [dict(record.headers) for record in await records(settings, two.topic)]
        assert [(beat["beat"], beat["epoch"]) for beat in told] == [(b"0:0", b"1")] * PARTITIONS


async def test_private_events_move_the_cursor_and_stay_at_home(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        await say(two, 5)
        await owner(two, "UPDATE feed SET part = NULL, prev_epoch = NULL, prev_number = NULL")
        work = Relay(two.speaker, lease=60)
        led = await one_page(two, work, await leading(work))
        assert led
        assert led.number == 1
        assert await told(two) == []


def calls(source: str) -> set[str]:
    """Return the names of the methods and functions that a text calls."""
    called = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else f.id for f in called if isinstance(f, ast.Attribute | ast.Name)}


def banned_calls(sources: Sequence[str]) -> set[str]:
    """Return what the relay must never call: what chooses batches or partitions itself."""
    return BANNED & {name for source in sources for name in calls(source)}


def test_the_relay_makes_its_batches_by_hand() -> None:
    files = ["relay.py", "outlet.py"]
    assert banned_calls([(SHARED / file).read_text() for file in files]) == set()
    assert banned_calls(["async def f(p): await p.send('t', b'')"]) == {"send"}
    assert banned_calls(["async def f(b): await b.publish_batch(b'', topic='t')"]) == {"publish_batch"}
