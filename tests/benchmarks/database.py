"""A database of its own for somebody who makes tables by himself."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg


@asynccontextmanager
async def database(server: str) -> AsyncIterator[str]:
    """Yield the address of a new database on the server, and drop it."""
    name = f"bench_{secrets.token_hex(4)}"
    await _do(server, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        await _do(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _do(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
