"""The way out to Kafka: batches made by hand, one in flight per partition, nothing after an error. Times are seconds.

A producer that failed is thrown away: what it may still have on the wire can only repeat what is sent again.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.cloudevent import Outgoing
from shared.errors import Unavailable
from shared.failpoints import reached
from shared.settings import Settings
from shared.topics import ANSWERS_WITHIN, answers_within_ms

LARGEST_BATCH = 512 * 1024  # bytes
LARGEST_REQUEST = 2 * 1024 * 1024  # bytes


class Outlet:
    """Takes records to one topic. It opens by itself, and again after it has failed."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._producer: Any = None

    async def deliver(self, records: Mapping[int, Iterable[Outgoing]]) -> None:
        """Return when Kafka has acknowledged all of them; raise Unavailable when it is not known to have them."""
        try:
            if self._producer is None:
                self._producer = await open_producer(self._settings)
            await asyncio.wait_for(self._all(self._producer, records), ANSWERS_WITHIN)
        except BaseException as error:
            await self.abandon()
            cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            if isinstance(cause, (KafkaError, TimeoutError, OSError)):
                raise Unavailable(f"{self._topic}: {type(cause).__name__}: {cause}") from error
            raise

    async def close(self) -> None:
        """Close the producer; nothing is on its way."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def abandon(self) -> None:
        """Let go of the producer at once: an idempotent one would try for ever to get rid of what it has."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _let_go(producer)

    async def _all(self, producer: Any, records: Mapping[int, Iterable[Outgoing]]) -> None:
        async with asyncio.TaskGroup() as group:
            for part, told in records.items():
                group.create_task(self._in_order(producer, part, told))

    async def _in_order(self, producer: Any, part: int, records: Iterable[Outgoing]) -> None:
        for batch in _batches(producer, records):
            acknowledged = await producer.send_batch(batch, self._topic, partition=part)
            await reached("relay.sent")
            await acknowledged


async def open_producer(settings: Settings) -> Any:
    """Return a producer that has started; raise Unavailable when Kafka does not answer."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        linger_ms=0,
        request_timeout_ms=answers_within_ms(),  # to let go of a producer waits for what is on its wire
        max_batch_size=LARGEST_BATCH,
        max_request_size=LARGEST_REQUEST,
    )
    try:
        await producer.start()
    except BaseException as error:
        await _let_go(producer)
        if isinstance(error, KafkaError):
            raise Unavailable(f"Kafka does not answer at {settings.kafka}: {error}") from error
        raise
    return producer


async def _let_go(producer: Any) -> None:
    # its own `stop` waits until everything is sent
    producer._closed = True
    for close in (producer._sender.close, producer.client.close):
        with suppress(Exception):
            await close()


def _batches(producer: Any, records: Iterable[Outgoing]) -> Iterator[Any]:
    """Give the records in batches that are as full as they may be; a record that is larger goes alone."""
    batch = producer.create_batch()
    for at, key, value, headers in records:
        if batch.append(timestamp=at, key=key, value=value, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(timestamp=at, key=key, value=value, headers=headers)
    if batch.record_count():
        yield batch
