"""The door is knocked at until it opens: a till gives nothing up, and an operator is told soon that nobody answers."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from branchline.door import Answer, Door
from branchline.office import Office, Refused
from deploy.keys import write_keys
from shared.errors import Unavailable
from shared.settings import Settings
from tests.ports import held_base

ITEMS = [{"seq": 1}, {"seq": 2}]
OPEN = {"items": [{"seq": 1, "outcome": "accepted"}, {"seq": 2, "outcome": "parked", "code": "malformed", "facts": {}}]}


@pytest.fixture
def till_settings(tmp_path: Path) -> Iterator[Settings]:
    write_keys(tmp_path / "keys")
    with held_base() as ports:
        yield Settings("t", "", "", tmp_path / "keys", "127.0.0.1", "http://127.0.0.1:{port}", ports, "INFO")


@asynccontextmanager
async def answering(settings: Settings, answers: Sequence[tuple[int, object]]) -> AsyncIterator[list[bytes]]:
    """Answer requests with these, one each; status 0 is a connection that breaks. Yields what was asked."""
    asked: list[bytes] = []
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        asked.append(await reader.readexactly(length))
        status, body = left.pop(0)
        if status:
            told = orjson.dumps(body)
            writer.write(b"HTTP/1.1 %d X\r\nretry-after: 0\r\ncontent-length: %d\r\n" % (status, len(told)))
            writer.write(b"connection: close\r\n\r\n" + told)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", settings.port("pos")):
        yield asked


async def test_a_till_sends_the_same_again_until_it_is_answered(till_settings: Settings) -> None:
    faults: list[tuple[int, object]] = [(503, {}), (0, None), (429, {}), (502, {})]
    async with answering(till_settings, [*faults, (200, OPEN)]) as asked, Office(till_settings) as office:
        answers = await Door(office, "TOR1", "TOR1-1").send(ITEMS)
        assert answers == [Answer(1, "accepted"), Answer(2, "parked", "malformed")]
        assert [str(answer) for answer in answers] == ["accepted", "parked/malformed"]
        assert (len(asked), len(set(asked))) == (5, 1)


async def test_a_no_is_a_no(till_settings: Settings) -> None:
    async with (
        answering(till_settings, [(404, {"code": "till-unknown", "till": "X"})]),
        Office(till_settings) as office,
    ):
        with pytest.raises(Refused) as refused:
            await Door(office, "TOR1", "X").send(ITEMS)
        assert (refused.value.status, refused.value.code, refused.value.facts) == (404, "till-unknown", {"till": "X"})


async def test_an_operators_patience_ends(till_settings: Settings) -> None:
    async with Office(till_settings, patience=0.2) as office:
        with pytest.raises(Unavailable, match="pos does not answer"):
            await office.ask("pos", "GET", "/v1/chain")
