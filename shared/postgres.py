"""Connections to a service's own schema in Postgres. Times are seconds."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.settings import Settings

Tx: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

IDLE_IN_TRANSACTION_MS = "30000"
# a server that is frozen, or gone without a word, gets as long again to take the cancellation; then its line is cut
ANSWERS_WITHIN = 10.0
CONNECTS_WITHIN = 5.0
# the client would ask Postgres for each when it first meets it, on every connection: ten milliseconds a question
ARRAYS = """
SELECT $1::bigint[], $2::boolean[], $3::bytea[], $4::date[], $5::int[], $6::smallint[], $7::timestamptz[], $8::uuid[]
"""


async def open_pool(settings: Settings, service: str, *, size: int) -> Pool:
    """Return a pool that connects as the service's role and sees its views first, then its own tables."""
    schema = settings.schema(service)
    return await asyncpg.create_pool(
        settings.service_url(service),
        min_size=1,
        max_size=size,
        init=_learn,
        reset=_keep,
        timeout=CONNECTS_WITHIN,
        command_timeout=ANSWERS_WITHIN,
        server_settings={
            "search_path": f"{schema}_views,{schema}",
            "application_name": schema,
            "branchline.branch": "*",
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
        },
    )


async def _learn(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Ask once what arrays of all kinds are that statements have."""
    await connection.prepare(ARRAYS)


async def _keep(_connection: object) -> None:
    """Leave the connection as it is: nothing here sets a lasting option, listens, or holds a lock on a pooled one."""
