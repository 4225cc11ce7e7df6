"""What a topic carries from given offsets on, committed records only."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.settings import Settings


async def carried(settings: Settings, topic: str, begins: Mapping[int, int]) -> AsyncIterator[Any]:
    """Give every record from these offsets to the end, by partition in turn."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, isolation_level="read_committed")
    await consumer.start()
    try:
        for part, begin in begins.items():
            place = TopicPartition(topic, part)
            consumer.assign([place])
            consumer.seek(place, begin)
            end = (await consumer.end_offsets([place]))[place]
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(place, timeout_ms=500)).values():
                    for record in records:
                        yield record
    finally:
        await consumer.stop()
