"""What a topic carries from given offsets on, committed records only."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.settings import Settings


async def carried(settings: Settings, topic: str, begins: Mapping[int, int]) -> AsyncIterator[Any]:
    """Give every record from these offsets to the end, those of a partition in their order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, isolation_level="read_committed")
    await consumer.start()
    try:
        places = {TopicPartition(topic, part): begin for part, begin in begins.items()}
        consumer.assign(list(places))  # one after the other each would wait for the fetch of the one before it
        for place, begin in places.items():
            consumer.seek(place, begin)
        ends = await consumer.end_offsets(list(places))
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    yield record
    finally:
        await consumer.stop()
