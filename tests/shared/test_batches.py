"""Records in batches, of whichever broker answers."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from shared.batches import Batches
from shared.consumer import Consumer
from shared.dying import check
from shared.errors import Unavailable
from shared.settings import Settings
from tests.shared.pair import PARTITIONS, at_work, eventually, pair

NOWHERE = "127.0.0.19"
SILENT = 2.0  # seconds


async def test_of_several_brokers_that_are_named_one_that_is_away_is_not_missed(settings: Settings) -> None:
    async with pair(replace(settings, kafka=f"{NOWHERE},{settings.kafka}")) as two, at_work(two.consumer()):
        counter = uuid4()
        await two.say((counter, 1))
        await two.until_heard([1], counter)


def lose_coordinator(client: Any) -> None:
    client._coordinator.ensure_coordinator_known = closed
    client._coordinator.coordinator_dead()


def lose_fetcher(client: Any) -> None:
    client._fetcher._proc_fetch_request = closed


def lose_heartbeat(client: Any) -> None:
    client._coordinator._do_heartbeat = closed


def lose_all_that_comes(client: Any) -> None:
    client._fetcher._proc_fetch_request = nothing_comes


def lose_metadata(client: Any) -> None:
    client._client._metadata_update = closed
    client._client.force_metadata_update()


def lose_metadata_while_it_looks_for_its_group(client: Any) -> None:
    client._client.coordinator_lookup = away
    client._coordinator.coordinator_dead()
    lose_metadata(client)


async def away(*_: object) -> None:
    raise GroupCoordinatorNotAvailableError


async def nothing_comes(*_: object) -> bool:
    with suppress(asyncio.CancelledError):  # as a fetch does
        await asyncio.Event().wait()
    return False


async def nothing(*_: object) -> None:
    await asyncio.Event().wait()


async def closed(*_: object) -> None:
    raise RuntimeError("unable to perform operation on a transport; the handler is closed")  # as uvloop does


async def reads(consumer: Consumer) -> bool:
    return bool(consumer._batches and consumer._kafka and consumer._kafka.assignment())


async def are_placed(consumers: list[Consumer]) -> bool:
    placed = [consumer for consumer in consumers if consumer._batches and consumer._kafka]
    return len([one for one in placed if one._kafka.assignment()]) == PARTITIONS and len(placed) == len(consumers)


async def is_replaced(consumer: Consumer, first: Batches | None) -> bool:
    return consumer._batches is not first


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.relay.BEAT_EVERY", 0.3)
    monkeypatch.setattr("shared.consumer.LOOK_EVERY", 0.2)
    monkeypatch.setattr("shared.consumer.SILENT_AFTER", SILENT)


async def hears_on_after(settings: Settings, lose: Callable[[Any], None]) -> None:
    """Let a consumer hear, lose what its reader lives by, and wait until it hears what is said then."""
    async with pair(settings) as two:
        consumer, counter = two.consumer(), uuid4()
        async with at_work(consumer):
            await two.say((counter, 1))
            await two.until_heard([1], counter)
            await eventually(lambda: reads(consumer))
            lose(consumer._kafka)
            await two.say((counter, 2))
            await two.until_heard([1, 2], counter)


@pytest.mark.parametrize(
    "lose",
    [lose_coordinator, lose_heartbeat, lose_fetcher, lose_metadata, lose_metadata_while_it_looks_for_its_group],
)
async def test_a_reader_whose_client_has_died_begins_again_with_another(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Any], None]
) -> None:
    monkeypatch.setattr("shared.consumer.LOOK_EVERY", 0.2)
    await hears_on_after(settings, lose)


async def test_a_reader_that_hears_nothing_is_replaced_though_it_seems_well(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    await hears_on_after(settings, lose_all_that_comes)


@pytest.mark.parametrize("work", ["_applying", "_filling"])
async def test_a_reader_that_hears_nothing_while_there_is_work_is_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    impatient(monkeypatch)
    async with pair(settings) as two:
        consumer = two.consumer()
        async with at_work(consumer):
            await eventually(lambda: reads(consumer))
            first, working = consumer._batches, asyncio.create_task(asyncio.sleep(4 * SILENT))
            if work == "_applying":
                consumer._applying = working
            else:
                consumer._gaps._filling[0] = working
            lose_all_that_comes(consumer._kafka)
            await asyncio.sleep(3 * SILENT)
            assert consumer._batches is first
            assert not consumer._is_over
            await working
            consumer._gaps._filling.clear()
            await eventually(lambda: is_replaced(consumer, first))


async def test_a_reader_for_whom_there_is_no_partition_is_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    async with pair(settings) as two:
        consumers = [two.consumer() for _ in range(PARTITIONS + 1)]
        async with at_work(*consumers):
            await eventually(lambda: are_placed(consumers))
            (idle,) = [consumer for consumer in consumers if not consumer._kafka.assignment()]
            first = idle._batches
            await asyncio.sleep(3 * SILENT)
            assert idle._batches is first


async def test_a_reader_that_waits_for_its_group_for_ever_can_be_stopped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.batches.ENDS_WITHIN", 1)
    async with pair(settings) as two:
        consumer = two.consumer()
        async with at_work(consumer):
            await eventually(lambda: reads(consumer))
            consumer._kafka._coordinator.ensure_coordinator_known = nothing
            consumer._kafka._coordinator.coordinator_dead()
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 5


def test_what_a_readers_task_has_died_of_is_told_as_a_fault_of_kafka() -> None:
    def dead() -> None:
        raise RuntimeError("the handler is closed")  # a heartbeat's error, as aiokafka gives it on

    with pytest.raises(KafkaError, match="has died"):
        check(SimpleNamespace(_coordinator=SimpleNamespace(check_errors=dead)))


async def test_a_reader_that_finds_no_kafka_says_so_as_of_a_fault_that_passes(settings: Settings) -> None:
    async def hear(_: Any) -> None:
        raise AssertionError("something was heard from nowhere")

    async with pair(settings, parts=()) as two:
        lost = replace(two.listener, settings=replace(settings, kafka=NOWHERE))
        reader = Batches(lost, "a-topic", "a-group", hear, most_at_once=1)
        with pytest.raises(Unavailable, match=NOWHERE):
            await reader.start()
        await reader.stop()
