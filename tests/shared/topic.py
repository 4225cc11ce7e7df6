"""A topic as a test sees it: what is in it, put into it, and lost from it."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared import topics
from shared.settings import Settings

Headers = Sequence[tuple[str, bytes]]


async def records(settings: Settings, topic: str) -> list[Any]:
    """Return every record of a topic, partition by partition."""
    found: list[Any] = []
    ends = await topics.ends(settings, topic, await topics.partitions(settings, topic))
    async with topics.reading(settings) as consumer:
        for part, end in ends.items():
            place = TopicPartition(topic, part)
            consumer.assign([place])
            while await consumer.position(place) < end:
                for fetched in (await consumer.getmany(place, timeout_ms=500)).values():
                    found += fetched
    return found


async def put(settings: Settings, topic: str, part: int, headers: Headers, value: bytes = b"{}") -> None:
    """Put a record into a topic that the topic's service did not send."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"stray", partition=part, headers=list(headers))
    finally:
        await producer.stop()


async def lose(settings: Settings, topic: str) -> None:
    """Let everything that the topic has be gone, as when its retention is over."""
    ends = await topics.ends(settings, topic, await topics.partitions(settings, topic))
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    try:
        gone = {TopicPartition(topic, p): RecordsToDelete(before_offset=end) for p, end in ends.items()}
        await admin.delete_records(gone)
    finally:
        await admin.close()
