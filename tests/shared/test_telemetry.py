"""A sampled request is one trace, from the till's call to the view, in the logs of everything that worked on it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx2
import pytest

from shared import telemetry
from shared.settings import Settings
from shared.tokens import Tokens
from tests.cell import environment, eventually
from tests.shared.toy import TOY

TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ADDITIONS = "/v1/counters/01890000-0000-7000-8000-000000000001/additions"
OTLP = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

_TOLD = """
SELECT h.number > 0 AND c.number = h.number AND v.number = h.number FROM feed_head h, relay_cursor c, view_set v
"""


async def is_told(settings: Settings) -> bool:
    """Return whether Kafka and the view have what was added: a process that is told to end leaves that to the next."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute("SELECT set_config('search_path', $1, false)", settings.schema(TOY.name))
        return bool(await connection.fetchval(_TOLD))
    finally:
        await connection.close()


async def logged(settings: Settings, traceparent: str | None, **given: str) -> list[dict[str, object]]:
    """Add to a counter in a process of its own; return its log."""
    env = {**os.environ, **environment(settings), **given}
    words = (sys.executable, "-m", "tests.shared.toy_process")
    toy = await asyncio.create_subprocess_exec(*words, env=env, stdout=PIPE, stderr=PIPE)
    assert toy.stdout
    lines: list[bytes] = []
    async with asyncio.timeout(30):
        while not lines or b'"listening"' not in lines[-1]:
            lines.append(await toy.stdout.readline())
            assert lines[-1], lines
        headers = {"authorization": f"Bearer {Tokens(settings).sign('staff', branch='B1')}"}
        headers |= {"traceparent": traceparent} if traceparent else {}
        async with httpx2.AsyncClient(base_url=settings.address(TOY.name), headers=headers, trust_env=False) as http:
            assert (await http.post(ADDITIONS, json={"amount": 7})).status_code == 200
        await eventually(lambda: is_told(settings))
        toy.send_signal(signal.SIGTERM)
        rest, errors = await toy.communicate()
    assert (toy.returncode, errors) == (0, b"")
    return [json.loads(line) for line in (*lines, *rest.splitlines())]


async def test_one_trace_id_runs_from_the_request_to_kafka_and_the_view(provisioned: Settings) -> None:
    lines = await logged(provisioned, f"00-{TRACE}-{ABOVE}-01")
    traced = {line["event"]: line for line in lines if line.get("trace_id") == TRACE}
    assert traced.keys() == {"request", "handle", "relay", "project"}
    assert traced["request"]["parent_id"] == ABOVE
    assert {traced[name]["parent_id"] for name in ("handle", "relay", "project")} == {traced["request"]["span_id"]}
    assert traced["request"]["status"] == 200
    assert all(isinstance(line["ms"], float) for line in traced.values())


async def test_what_the_caller_does_not_sample_leaves_no_span(provisioned: Settings) -> None:
    lines = await logged(provisioned, f"00-{TRACE}-{ABOVE}-00", OTEL_TRACES_SAMPLER_ARG="1")
    assert not [line for line in lines if "trace_id" in line]


async def test_a_request_without_a_trace_is_sampled_by_the_share_that_is_set(provisioned: Settings) -> None:
    for share, is_traced in (("1", True), ("0", False)):
        lines = await logged(provisioned, None, OTEL_TRACES_SAMPLER_ARG=share)
        assert bool([line for line in lines if line["event"] == "request"]) is is_traced


async def test_spans_go_to_the_collector_that_is_named(provisioned: Settings) -> None:
    async with collector() as (address, bodies):
        await logged(provisioned, f"00-{TRACE}-{ABOVE}-01", OTEL_EXPORTER_OTLP_ENDPOINT=address)
    told = b"".join(bodies)
    assert told.count(bytes.fromhex(TRACE)) == 4
    assert b"request" in told
    assert b"project" in told


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Take whatever is posted, and answer that it is fine."""
    bodies: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        bodies.append(await reader.readexactly(int(length.split(b":")[1])))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}", bodies


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"])
async def test_the_exporter_is_imported_only_where_an_endpoint_is_set(endpoint: str) -> None:
    code = "import sys; from shared import parts, telemetry; telemetry.configure('x', 'INFO'); "
    code += f"print({OTLP!r} in sys.modules)"
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    python = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=env, stdout=PIPE)
    told, _ = await python.communicate()
    assert told.decode().strip() == str(bool(endpoint))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        f"00-{TRACE}-{ABOVE}",
        f"00-{'0' * 32}-{ABOVE}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{ABOVE}-01",
        f"00-{TRACE.upper()}-{ABOVE}-01",
    ],
)
def test_a_header_that_is_not_w3cs_is_no_trace(header: str) -> None:
    assert telemetry.parse(header) is None


def test_a_trace_is_read_with_its_flag() -> None:
    assert telemetry.parse(f"00-{TRACE}-{ABOVE}-01") == (TRACE, ABOVE, True)
    assert telemetry.parse(f"00-{TRACE}-{ABOVE}-02") == (TRACE, ABOVE, False)
    assert telemetry.parse(f"cc-{TRACE}-{ABOVE}-01-later") == (TRACE, ABOVE, True)


def test_a_span_inside_another_is_its_child() -> None:
    with telemetry.tracing(telemetry.REQUEST, trace_id=TRACE) as outer, telemetry.tracing(telemetry.HANDLE) as inner:
        assert outer
        assert inner
        assert (inner.trace_id, inner.parent_id) == (TRACE, outer.span_id)
        assert telemetry.traceparent() == f"00-{TRACE}-{inner.span_id}-01"
    assert telemetry.traceparent() is None
