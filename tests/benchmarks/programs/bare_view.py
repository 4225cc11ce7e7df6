"""`bare_view.py DATABASE TOPIC`: Kafka's records to rows, with no place kept."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer

from shared.settings import Settings
from tests.benchmarks.programs.answering import answering

_UPSERT = """
INSERT INTO sale (sale_id, net_minor) SELECT * FROM unnest($1::uuid[], $2::bigint[])
ON CONFLICT (sale_id) DO UPDATE SET net_minor = excluded.net_minor
"""


async def main(database_url: str, topic: str) -> None:
    """Serve until the other end has gone."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=Settings.read().kafka, auto_offset_reset="earliest")
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool, consumer:
        reading = asyncio.create_task(_read(consumer, pool))
        await answering(_silent)
        reading.cancel()


async def _read(consumer: AIOKafkaConsumer, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    while True:
        batches = await consumer.getmany(timeout_ms=1000)
        if rows := [_row(record) for records in batches.values() for record in records]:
            await _upsert(pool, rows)


async def _upsert(pool: "asyncpg.Pool[asyncpg.Record]", rows: Sequence[tuple[UUID, int]]) -> None:
    await pool.execute(_UPSERT, *zip(*rows, strict=True))


def _row(record: Any) -> tuple[UUID, int]:
    lines = orjson.loads(record.value)["data"]["lines"]
    return UUID(record.key.decode()), sum(line["net_minor"] for line in lines)


async def _silent(_request: dict[str, Any]) -> dict[str, Any]:
    return {}


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
