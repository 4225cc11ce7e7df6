"""Whether a store is the one that Kafka has heard: one that went back must give nothing out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import TopicPartition

from shared import topics
from shared.channel import Beat, Link
from shared.cloudevent import Arrival, Foreign, arrival, source_of
from shared.errors import Unavailable
from shared.postgres import Tx
from shared.running import CannotRun, Running

KAFKA_ANSWERS_WITHIN = 10.0  # seconds
LOOK_BACK = 50  # records of a partition that may not be the service's, or may only be beats

_HEAD = "SELECT epoch, number, floor_seq, partitions, system_id, timeline FROM feed_head"
_SERVER = """
SELECT (SELECT system_identifier FROM pg_control_system()) AS system_id,
       (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline
"""
_FROM_THE_FUTURE = """
SELECT EXISTS (SELECT FROM event WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()) AND seq > $1)
"""
_CURSOR = "SELECT number FROM relay_cursor WHERE relay = 'kafka'"
_KNOWN = """
SELECT EXISTS (
  SELECT FROM feed f JOIN event e ON e.seq = f.seq JOIN stream s ON s.id = e.stream_id
  WHERE f.number = $2 AND f.epoch = $1 AND f.part = $3
    AND s.category || '-' || e.stream_id || '/' || e.version = $4)
"""
_HALT = "It was restored to an earlier time, or moved: somebody must compare it with Kafka; no command does so yet."


class WentBack(CannotRun):
    """The store is not the one that spoke last: nothing is appended, numbered or sent; the message says why."""


async def check(running: Running) -> None:
    """Make the topic if need be, and compare store and Kafka. Raises WentBack, TopicUnfit, Unavailable."""
    async with running.pool.acquire() as tx:
        await _check_server(tx, running.service.name)
        if not running.service.says:
            return
        count = await tx.fetchval("SELECT partitions FROM feed_head")
        topic = running.settings.topic(running.service.name)
        await topics.ensure(running.settings, topic, count)
        async for last in _last_told(running, topic, count):
            await _check_told(tx, running.service.name, last)


async def _check_server(tx: Tx, service: str) -> None:
    head, server = await tx.fetchrow(_HEAD), await tx.fetchrow(_SERVER)
    assert head
    assert server
    if (head["system_id"], head["timeline"]) != (server["system_id"], server["timeline"]):
        was, is_now = (f"{row['system_id']} on timeline {row['timeline']}" for row in (head, server))
        raise WentBack(f"The store of {service} lived in database {was} and is now in {is_now}. {_HALT}")
    if await tx.fetchval(_FROM_THE_FUTURE, head["floor_seq"]):
        raise WentBack(f"The store of {service} holds events of transactions that this database has not begun. {_HALT}")
    if await tx.fetchval(_CURSOR) > head["number"]:
        raise WentBack(f"The relay of {service} has sent more than its feed holds. {_HALT}")


async def _check_told(tx: Tx, service: str, last: Arrival) -> None:
    position, told = last.word.position, last.headers.get("ce_id", b"").decode()
    where = f"partition {last.part}, offset {last.offset}"
    epoch = await tx.fetchval("SELECT epoch FROM feed_head")
    if position.epoch > epoch:
        raise WentBack(
            f"Kafka has heard epoch {position.epoch} of {service} ({where}), its store is at {epoch}. {_HALT}"
        )
    if not await tx.fetchval(_KNOWN, position.epoch, position.number, last.part, told):
        at = f"{position.epoch}:{position.number}"
        raise WentBack(f"Kafka has heard {told} of {service} at {at} ({where}), which its feed does not say. {_HALT}")


async def _last_told(running: Running, topic: str, count: int) -> AsyncIterator[Arrival]:
    """Give of each partition the last records that name a place in the feed: an event, and a beat."""
    source = source_of(running.settings.cell, running.service.name)
    async with topics.reading(running.settings) as consumer:
        places = [TopicPartition(topic, part) for part in range(count)]
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        for place in places:
            told: dict[type, Arrival] = {}
            for record in await _tail(consumer, place, begins[place], ends[place]):
                try:
                    found = arrival(record, source)
                except Foreign:
                    continue
                told[type(found.word)] = found
            for kind in (Link, Beat):
                if kind in told:
                    yield told[kind]


async def _tail(consumer: Any, place: TopicPartition, begin: int, end: int) -> Sequence[Any]:
    if end <= begin:
        return []
    consumer.assign([place])
    consumer.seek(place, max(begin, end - LOOK_BACK))
    records: list[Any] = []
    try:
        async with asyncio.timeout(KAFKA_ANSWERS_WITHIN):
            while await consumer.position(place) < end:
                for fetched in (await consumer.getmany(place, timeout_ms=200)).values():
                    records += fetched
    except TimeoutError as error:
        raise Unavailable(f"Kafka does not give the end of {place.topic} {place.partition}") from error
    return records
