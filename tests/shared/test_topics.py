"""A topic must be able to keep what a consumer may still need."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared import topics
from shared.errors import Unavailable
from shared.settings import Settings
from shared.topics import TopicUnfit


async def test_a_topic_is_made_once_with_its_partitions(settings: Settings) -> None:
    topic = settings.topic("pos")
    assert await topics.partitions(settings, topic) == 0
    await topics.ensure(settings, topic, 3)
    await topics.ensure(settings, topic, 3)
    assert await topics.partitions(settings, topic) == 3
    assert await topics.ends(settings, topic, 3) == {0: 0, 1: 0, 2: 0}


async def test_the_number_of_partitions_is_fixed_at_birth(settings: Settings) -> None:
    await topics.ensure(settings, settings.topic("pos"), 3)
    with pytest.raises(TopicUnfit, match="has 3 partitions, not 4"):
        await topics.ensure(settings, settings.topic("pos"), 4)


async def test_a_broker_that_has_not_heard_of_a_new_topic_is_asked_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, silent = topics._settings, [True, True]

    async def told(admin: Any, topic: str) -> dict[str, str]:
        return {} if silent and silent.pop() else await known(admin, topic)

    monkeypatch.setattr(topics, "_settings", told)
    await topics.ensure(settings, settings.topic("pos"), 3)
    assert not silent
    silent += [True] * topics.MOST_LOOKS
    with pytest.raises(Unavailable, match="does not say"):
        await topics.ensure(settings, settings.topic("pos"), 3)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("less than 7 days", {"retention.ms": "3600000", "max.message.bytes": "2097152"}),
        ("by size", {"retention.bytes": "1000000", "max.message.bytes": "2097152"}),
        ("is compacted", {"cleanup.policy": "compact,delete"}),
        ("no record of", {"max.message.bytes": "100000", "retention.ms": "-1"}),
    ],
)
async def test_a_topic_that_forgets_too_early_is_refused(settings: Settings, told: str, kept: dict[str, str]) -> None:
    topic = settings.topic("pos")
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1, topic_configs={"retention.ms": "1209600000"} | kept)])
    await admin.close()
    with pytest.raises(TopicUnfit, match=told):
        await topics.ensure(settings, topic, 3)


@pytest.mark.parametrize("look", [lambda *about: topics.partitions(*about[:2]), topics.ends], ids=["topics", "ends"])
async def test_a_kafka_that_takes_a_question_and_says_nothing_is_given_up(
    look: Callable[..., Awaitable[object]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "ANSWERS_WITHIN", 0.5)
    asked: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: asked.append(writer), "127.0.0.1")
    address = "{}:{}".format(*silent.sockets[0].getsockname())
    try:
        with pytest.raises(Unavailable, match=address):
            async with asyncio.timeout(5):
                await look(replace(settings, kafka=address), settings.topic("pos"), 3)
    finally:
        for writer in asked:
            writer.close()
        silent.close()
    assert asked
