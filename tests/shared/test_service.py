"""A service's process: its parts in order, what was begun is finished, and what is not there is told in a sentence."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import asyncpg
import httpx2
import pytest
from fastapi.responses import StreamingResponse

from shared.http import Here, Route
from shared.message import Cause, Issued
from shared.parts import serving
from shared.performing import perform
from shared.running import CannotRun, Running
from shared.settings import Settings
from shared.tokens import Tokens
from tests.cell import environment
from tests.shared.toy import STAFF, TOY, WITH_VIEWS, Add, at

NOWHERE = "127.0.0.1:9"


@asynccontextmanager
async def process(settings: Settings, *words: str) -> AsyncIterator[Process]:
    """Start one of our processes with the cell's settings, and see to it that it ends."""
    env = {**os.environ, **environment(settings)}
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", *words, env=env, stdout=PIPE, stderr=PIPE)
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.communicate()


async def said(process: Process, word: str) -> list[str]:
    """Return the lines up to the one with the word."""
    assert process.stdout
    lines: list[str] = []
    async with asyncio.timeout(20):
        while not lines or word not in lines[-1]:
            lines.append((await process.stdout.readline()).decode())
            assert lines[-1], lines
    return lines


def client(settings: Settings) -> httpx2.AsyncClient:
    bearer = f"Bearer {Tokens(settings).sign('staff', branch='B1')}"
    address = settings.address(TOY.name)
    return httpx2.AsyncClient(base_url=address, headers={"authorization": bearer}, trust_env=False, timeout=10)


async def test_parts_start_in_order_and_stop_in_reverse_each_after_the_other(provisioned: Settings) -> None:
    told: list[str] = []

    def worker(name: str) -> Callable[[Running], Awaitable[None]]:
        async def work(running: Running) -> None:
            told.append(f"{name} starts")
            await running.stop.wait()
            await asyncio.sleep(0.02)
            told.append(f"{name} stops")

        return work

    service = replace(TOY, workers=(worker("first"), worker("second"), worker("third")))
    async with serving(service, provisioned, parts=("workers",)):
        pass
    assert told == [
        *("first starts", "second starts", "third starts"),
        *("third stops", "second stops", "first stops"),
    ]


async def test_what_a_request_wrote_last_is_numbered_and_shown_before_the_process_ends(provisioned: Settings) -> None:
    async with serving(WITH_VIEWS, provisioned) as running:
        await running.views_live.wait()
        commands = [Add(counter_id=uuid4(), amount=1, at=at(0)) for _ in range(200)]
        await perform(running, [Issued(command, Cause("test", "test")) for command in commands])
    async with serving(WITH_VIEWS, provisioned, parts=()) as running:
        assert await running.pool.fetchval("SELECT number FROM feed_head") == 200


async def test_sigterm_lets_a_request_finish(provisioned: Settings) -> None:
    async with process(provisioned, "tests.shared.toy_process") as toy, client(provisioned) as http:
        lines = await said(toy, '"listening"')
        asking = asyncio.create_task(http.get("/v1/slow"))
        await said(toy, "begun")
        toy.send_signal(signal.SIGTERM)
        assert (await asking).json() == {"finished": True}
        rest, errors = await toy.communicate()
        assert (toy.returncode, errors) == (0, b"")
        events = [json.loads(line)["event"] for line in lines + rest.decode().splitlines()]
        assert events[-1] == "stopped"


async def test_a_stream_that_stays_open_does_not_hold_up_the_end(provisioned: Settings) -> None:
    async def ticks(at: Here) -> StreamingResponse:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"tick"
                await asyncio.sleep(0.1)

        return StreamingResponse(endless())

    route = Route("GET", "/v1/ticks", ticks, STAFF)
    async with client(provisioned) as http, asyncio.timeout(5):
        async with serving(replace(TOY, routes=(route,)), provisioned, parts=("http",)):
            await asyncio.sleep(0.1)
            stream = await http.send(http.build_request("GET", "/v1/ticks"), stream=True)
            assert stream.status_code == 200
        await stream.aclose()


async def test_without_postgres_the_service_says_so_and_ends_with_an_error(provisioned: Settings) -> None:
    lost = replace(provisioned, database_url=f"postgresql://postgres:secret@{NOWHERE}/postgres")
    told = f"notification: Postgres does not answer at {NOWHERE}/postgres (ConnectionRefusedError)"
    assert await sentence(lost) == told


async def test_without_kafka_the_service_says_so_and_ends_with_an_error(provisioned: Settings) -> None:
    assert await sentence(replace(provisioned, kafka=NOWHERE)) == f"notification: Kafka does not answer at {NOWHERE}"


async def test_without_its_tables_the_service_says_what_to_do(provisioned: Settings) -> None:
    assert (await sentence(provisioned)).endswith("has no tables for it; run `branchline migrate`")


async def test_without_a_key_the_service_names_it(provisioned: Settings) -> None:
    (provisioned.keys / "token.key").unlink()
    told = await sentence(provisioned, "token", "--role", "staff")
    assert told == f"the key {provisioned.keys / 'token.key'} is not there"


async def test_a_taken_port_is_told_in_a_sentence(provisioned: Settings) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # an earlier connection may still be closing
        other.bind((provisioned.host, provisioned.port(TOY.name)))
        other.listen()
        with pytest.raises(CannotRun, match=f"cannot listen at 127.0.0.1:{provisioned.port(TOY.name)}"):
            async with serving(TOY, provisioned, parts=("http",)) as running:
                await running.stop.wait()


async def test_when_a_part_dies_the_others_stop_and_the_service_says_which(provisioned: Settings) -> None:
    others: list[str] = []

    async def dying(_: Running) -> None:
        raise RuntimeError("a bug")

    async def other(running: Running) -> None:
        await running.stop.wait()
        others.append("stopped")

    with pytest.raises(CannotRun, match="the part workers ended: RuntimeError"):
        async with serving(replace(TOY, workers=(other, dying)), provisioned, parts=("workers",)) as running:
            await running.stop.wait()
    assert others == ["stopped"]


async def test_when_postgres_goes_away_and_comes_back_the_parts_go_on(provisioned: Settings) -> None:
    admin = await asyncpg.connect(provisioned.database_url)
    role = provisioned.schema(TOY.name)
    async with serving(WITH_VIEWS, provisioned, parts=("sequencer", "views", "timers", "workers", "http")) as running:
        await running.views_live.wait()
        await admin.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)
        await asyncio.sleep(1)
        assert not running.stop.is_set()
        await admin.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
        async with asyncio.timeout(20):
            await perform(running, [Issued(Add(counter_id=uuid4(), amount=1, at=at(0)), Cause("test", "test"))])
            while await running.pool.fetchval("SELECT count(*) FROM counters") < 1:
                await asyncio.sleep(0.02)
    await admin.close()


async def test_a_part_that_is_not_chosen_does_not_run(provisioned: Settings) -> None:
    async with serving(TOY, provisioned, parts=("sequencer",)), client(provisioned) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get("/health/live")


async def sentence(settings: Settings, *words: str) -> str:
    """Return what a process that cannot run says at its end; it leaves with an error."""
    words = words or ("serve", "notification")
    async with process(settings, "branchline.command", *words) as started:
        async with asyncio.timeout(20):
            _, errors = await started.communicate()
        assert started.returncode == 1
        told = errors.decode().splitlines()
        assert len(told) == 1, told
        return told[0].removeprefix(f"branchline {words[0]}: ")
