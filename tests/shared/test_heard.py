"""A topic is read while Kafka forgets what is old in it."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from shared.cloudevent import source_of
from shared.heard import tails
from shared.settings import Settings
from shared.topics import ANSWERS_WITHIN
from tests.shared.pair import PARTITIONS, eventually, pair
from tests.shared.test_consumer import are_relayed
from tests.shared.topic import lose
from tests.shared.toy import NAME


async def test_what_retention_takes_while_it_is_read_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.BEAT_EVERY", 1_000)  # a beat that follows would show that nothing is left
    begin = AIOKafkaConsumer.beginning_offsets

    async def then_lost(consumer: Any, places: Sequence[Any]) -> Any:
        found = await begin(consumer, places)
        await lose(settings, settings.topic(NAME))
        return found

    async with pair(settings) as two:
        await two.say(*((uuid4(), amount) for amount in range(1, 9)))
        await eventually(lambda: are_relayed(two))
        source = source_of(settings.cell, NAME)
        assert sum([len(page) async for page in tails(settings, two.topic, PARTITIONS, source)]) >= 8  # beats, too
        monkeypatch.setattr(AIOKafkaConsumer, "beginning_offsets", then_lost)
        async with asyncio.timeout(ANSWERS_WITHIN / 2):
            assert sum([len(page) async for page in tails(settings, two.topic, PARTITIONS, source)]) == 0
