"""The proxy carries bytes as they are, and each fault that it plays is the fault that its name says."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from tests.faults.proxy import COMMIT, Answers, Doubt, Proxy, Statements, before
from tests.servers import Servers

PATIENCE = 10.0
GONE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)


@pytest.fixture
async def proxy(servers: Servers) -> AsyncIterator[Proxy]:
    """Yield a proxy before the tests' Postgres."""
    where = urlsplit(servers.database_url)
    async with before(where.hostname or "127.0.0.1", where.port or 5432) as proxy:
        yield proxy


def through(proxy: Proxy, servers: Servers) -> str:
    """Return the database address by way of the proxy."""
    where = urlsplit(servers.database_url)
    return urlunsplit(where._replace(netloc=f"{where.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.at}"))


@asynccontextmanager
async def table(servers: Servers) -> AsyncIterator[tuple[str, "asyncpg.Connection[asyncpg.Record]"]]:
    """Yield the name of a table of one column, and a connection that takes the straight way to it."""
    name = f"kept_{uuid4().hex}"
    straight = await asyncpg.connect(servers.database_url)
    try:
        await straight.execute(" ".join(["CREATE TABLE", name, "(one int)"]))
        yield name, straight
    finally:
        await straight.execute(" ".join(["DROP TABLE IF EXISTS", name]))
        await straight.close()


async def count(straight: "asyncpg.Connection[asyncpg.Record]", name: str) -> int:
    """Return how many rows the table has."""
    found = await straight.fetchval(" ".join(["SELECT count(*) FROM", name]))
    assert isinstance(found, int)
    return found


async def test_what_goes_through_it_arrives_as_it_was(proxy: Proxy, servers: Servers) -> None:
    connection = await asyncpg.connect(through(proxy, servers))
    text = "é" * 300_000
    assert await connection.fetchval("SELECT $1::text", text) == text
    await connection.close()


async def test_it_makes_a_server_slow(proxy: Proxy, servers: Servers) -> None:
    connection = await asyncpg.connect(through(proxy, servers))
    loop = asyncio.get_running_loop()
    proxy.delay = 0.1
    began = loop.time()
    await connection.execute("SELECT 1")
    assert loop.time() - began >= 0.2
    await connection.close()


async def test_a_cut_is_seen_at_once_and_the_next_connection_works(proxy: Proxy, servers: Servers) -> None:
    connection = await asyncpg.connect(through(proxy, servers))
    sleeping = asyncio.ensure_future(connection.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0.1)
    assert proxy.cut() == 1
    with pytest.raises(GONE):
        await asyncio.wait_for(sleeping, PATIENCE)
    another = await asyncpg.connect(through(proxy, servers))
    assert await another.fetchval("SELECT 1") == 1
    await another.close()


async def test_in_a_black_hole_nobody_answers_and_what_was_lost_stays_lost(proxy: Proxy, servers: Servers) -> None:
    idle, busy = [await asyncpg.connect(through(proxy, servers)) for _ in range(2)]
    proxy.is_hole = True
    asked = asyncio.ensure_future(busy.fetchval("SELECT 1"))
    done, _ = await asyncio.wait([asked], timeout=0.5)
    assert not done
    proxy.is_hole = False
    assert await idle.fetchval("SELECT 1") == 1
    done, _ = await asyncio.wait([asked], timeout=0.5)
    assert not done
    busy.terminate()
    with pytest.raises(GONE):
        await asked
    await idle.close()


@pytest.mark.parametrize(("doubt", "rows"), [(Doubt.DONE, 1), (Doubt.LOST, 0)])
async def test_a_commit_whose_answer_never_comes_was_done_or_not(
    proxy: Proxy, servers: Servers, doubt: Doubt, rows: int
) -> None:
    async with table(servers) as (name, straight):
        connection = await asyncpg.connect(through(proxy, servers))
        trap = proxy.trap(doubt)
        with pytest.raises(GONE):
            async with connection.transaction():
                await connection.execute(" ".join(["INSERT INTO", name, "VALUES ($1)"]), 1)
        await asyncio.wait_for(trap.sprung.wait(), PATIENCE)
        assert await count(straight, name) == rows


@pytest.mark.parametrize(("doubt", "rows"), [(Doubt.DONE, 1), (Doubt.LOST, 0)])
async def test_a_call_in_autocommit_can_be_the_commit(proxy: Proxy, servers: Servers, doubt: Doubt, rows: int) -> None:
    async with table(servers) as (name, straight):
        connection = await asyncpg.connect(through(proxy, servers))
        insert = await connection.prepare(" ".join(["INSERT INTO", name, "VALUES ($1)"]))
        trap = proxy.trap(doubt, re.compile(rb"INSERT INTO kept_"))
        with pytest.raises(GONE):
            await insert.fetch(1)
        await asyncio.wait_for(trap.sprung.wait(), PATIENCE)
        assert await count(straight, name) == rows


async def test_a_trap_is_sprung_once(proxy: Proxy, servers: Servers) -> None:
    proxy.trap(Doubt.DONE)
    first, second = [await asyncpg.connect(through(proxy, servers)) for _ in range(2)]
    with pytest.raises(GONE):
        async with first.transaction():
            await first.execute("SELECT 1")
    async with second.transaction():
        await second.execute("SELECT 1")
    await second.close()


def sent(kind: bytes, body: bytes) -> bytes:
    """Return a message of a client, or of a server."""
    return kind + struct.pack("!I", len(body) + 4) + body


BEGUN = sent(b"", struct.pack("!I", 80877103)) + sent(b"", struct.pack("!I", 196608) + b"user\0me\0\0")
TALK = (
    BEGUN
    + sent(b"P", b"s1\0SELECT 1\0\0\0")
    + sent(b"B", b"p\0s1\0\0\0\0\0\0\0")
    + sent(b"E", b"p\0\0\0\0\0")
    + sent(b"S", b"")
    + sent(b"Q", b"COMMIT;\0")
)


@pytest.mark.parametrize("piece", [1, 2, 7, len(TALK)])
def test_statements_are_found_however_the_bytes_are_cut(piece: int) -> None:
    statements = Statements()
    pieces = [TALK[place : place + piece] for place in range(0, len(TALK), piece)]
    assert [text for one in pieces for text in statements.executed(one)] == [b"SELECT 1", b"COMMIT;"]
    assert statements.tls_answers == 1


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_a_server_is_ready_when_it_says_so_and_not_where_a_row_holds_the_letter(piece: int) -> None:
    statements = Statements()
    list(statements.executed(BEGUN))
    answers = Answers(statements)
    row, ready = b"N" + sent(b"D", b"ZZZZZZZZ"), sent(b"Z", b"I")
    assert not any(answers.is_ready(row[place : place + piece]) for place in range(0, len(row), piece))
    assert any(answers.is_ready(ready[place : place + piece]) for place in range(0, len(ready), piece))


def test_what_ends_a_transaction_is_a_commit() -> None:
    assert COMMIT.match(b"COMMIT;")
    assert COMMIT.match(b"end")
    assert not COMMIT.match(b"SELECT committed FROM t")
