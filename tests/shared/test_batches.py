"""Records in batches, of whichever broker answers."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError

from shared.batches import Batches
from shared.consumer import Consumer
from shared.dying import check
from shared.errors import Unavailable
from shared.settings import Settings
from tests.shared.pair import at_work, eventually, pair

NOWHERE = "127.0.0.19"


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


def lose_metadata(client: Any) -> None:
    client._client._metadata_update = closed
    client._client.force_metadata_update()


async def closed(*_: object) -> None:
    raise RuntimeError("unable to perform operation on a transport; the handler is closed")  # as uvloop does


async def reads(consumer: Consumer) -> bool:
    return bool(consumer._batches and consumer._kafka and consumer._kafka.assignment())


@pytest.mark.parametrize("lose", [lose_coordinator, lose_heartbeat, lose_fetcher, lose_metadata])
async def test_a_reader_whose_client_has_died_begins_again_with_another(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Any], None]
) -> None:
    monkeypatch.setattr("shared.consumer.LOOK_EVERY", 0.2)
    async with pair(settings) as two:
        consumer, counter = two.consumer(), uuid4()
        async with at_work(consumer):
            await two.say((counter, 1))
            await two.until_heard([1], counter)
            await eventually(lambda: reads(consumer))
            lose(consumer._kafka)
            await two.say((counter, 2))
            await two.until_heard([1, 2], counter)


def test_what_a_readers_task_has_died_of_is_told_as_a_fault_of_kafka() -> None:
    def dead() -> None:
        raise RuntimeError("the handler is closed")  # a heartbeat's error, as aiokafka gives it on

    with pytest.raises(KafkaError, match="has died"):
        check(SimpleNamespace(_coordinator=SimpleNamespace(check_errors=dead)))


async def test_a_reader_that_finds_no_kafka_says_so_as_of_a_fault_that_passes(settings: Settings) -> None:
    async def hear(_: Any) -> None:
        raise AssertionError("something was heard from nowhere")

    reader = Batches(replace(settings, kafka=NOWHERE), "a-topic", "a-group", "a-member", hear, most_at_once=1)
    with pytest.raises(Unavailable, match=NOWHERE):
        await reader.start()
    await reader.stop()
