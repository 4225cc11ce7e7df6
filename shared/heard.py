"""What Kafka has of a service's topic: the partitions' ends, or all of it; what is not the service's is left out."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka import TopicPartition

from shared import topics
from shared.cloudevent import Arrival, Foreign, arrival
from shared.errors import Unavailable
from shared.settings import Settings

LOOK_BACK = 50  # records of a partition that may not be the service's, or may only be beats
PAGE = 2000


async def tails(settings: Settings, topic: str, count: int, source: bytes) -> AsyncIterator[list[Arrival]]:
    """Give the last records of each partition; raise Unavailable when Kafka does not give them."""
    async with topics.reading(settings) as consumer:
        places = [TopicPartition(topic, part) for part in range(count)]
        ends, begins = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
        for place in places:
            start = max(begins[place], ends[place] - LOOK_BACK)
            yield [one async for page in _pages(consumer, place, start, ends[place], source) for one in page]


async def everything(
    settings: Settings, topic: str, ends: Mapping[int, int], source: bytes
) -> AsyncIterator[list[Arrival]]:
    """Give all records before the ends, in pages of one partition each; raise Unavailable like `tails`."""
    if not ends:
        return
    async with topics.reading(settings) as consumer:
        begins = await consumer.beginning_offsets([TopicPartition(topic, part) for part in ends])
        for place, start in begins.items():
            async for page in _pages(consumer, place, start, ends[place.partition], source):
                yield page


async def _pages(
    consumer: Any, place: TopicPartition, start: int, end: int, source: bytes
) -> AsyncIterator[list[Arrival]]:
    if end <= start:
        return
    consumer.assign([place])
    consumer.seek(place, start)
    while await consumer.position(place) < end:
        page = await _page(consumer, place, end)
        told = [_read(record, source) for record in page if record.offset < end]
        yield [one for one in told if one]


async def _page(consumer: Any, place: TopicPartition, end: int) -> list[Any]:
    try:
        async with asyncio.timeout(topics.ANSWERS_WITHIN):
            while not (fetched := await consumer.getmany(place, timeout_ms=200, max_records=PAGE)):
                if await consumer.position(place) >= end:  # retention took what was left of it
                    return []
    except TimeoutError as error:
        raise Unavailable(f"Kafka does not give {place.topic} {place.partition} up to {end}") from error
    return [record for records in fetched.values() for record in records]


def _read(record: Any, source: bytes) -> Arrival | None:
    try:
        return arrival(record, source)
    except Foreign:
        return None
