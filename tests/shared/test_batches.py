"""Records in batches, of whichever broker answers."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from shared.batches import Batches
from shared.errors import Unavailable
from shared.settings import Settings
from tests.shared.pair import at_work, pair

NOWHERE = "127.0.0.19"


async def test_of_several_brokers_that_are_named_one_that_is_away_is_not_missed(settings: Settings) -> None:
    async with pair(replace(settings, kafka=f"{NOWHERE},{settings.kafka}")) as two, at_work(two.consumer()):
        counter = uuid4()
        await two.say((counter, 1))
        await two.until_heard([1], counter)


async def test_a_reader_that_finds_no_kafka_says_so_as_of_a_fault_that_passes(settings: Settings) -> None:
    async def hear(_: Any) -> None:
        raise AssertionError("something was heard from nowhere")

    reader = Batches(replace(settings, kafka=NOWHERE), "a-topic", "a-group", hear, most_at_once=1)
    with pytest.raises(Unavailable, match=NOWHERE):
        await reader.start()
    await reader.stop()
