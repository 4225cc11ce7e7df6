"""`bare_door.py PORT DATABASE TOPIC`: the tills' door with nothing behind it: one insert, and a record to Kafka."""

import asyncio
import sys
from typing import Any

import asyncpg
import orjson
import uvicorn
import uvloop
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Request, Response

from contracts.pos import sale_id
from shared.settings import Settings
from tests.benchmarks.programs.answering import answering

CONNECTIONS = 8

_INSERT = """
INSERT INTO taken (sale_id, data) SELECT id, data::jsonb FROM unnest($1::uuid[], $2::text[]) AS t (id, data)
"""


async def main(port: str, database_url: str, topic: str) -> None:
    """Serve until the other end has gone."""
    producer = AIOKafkaProducer(bootstrap_servers=Settings.read().kafka, enable_idempotence=True, acks="all")
    app = FastAPI()
    async with asyncpg.create_pool(database_url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool, producer:

        @app.post("/v1/tills/{till}/events")
        async def take(till: str, request: Request) -> Response:
            items = orjson.loads(await request.body())["items"]
            branch = till.rpartition("-")[0]
            ids = [sale_id(branch, till, item["data"]["receipt"]) for item in items]
            bodies = [orjson.dumps(item) for item in items]
            await pool.execute(_INSERT, ids, [body.decode() for body in bodies])
            for one, body in zip(ids, bodies, strict=True):
                await producer.send(topic, body, str(one).encode())  # into its buffer
            return Response(orjson.dumps({"items": [{"outcome": "accepted"}] * len(items)}))

        server = uvicorn.Server(uvicorn.Config(app, port=int(port), log_config=None, access_log=False, lifespan="off"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        await answering(_silent)
        server.should_exit = True
        await serving


async def _silent(_request: dict[str, Any]) -> dict[str, Any]:
    return {}


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
