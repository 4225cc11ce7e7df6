"""A lean HTTP client for load: POST over connections that are kept open, and little of the machine taken by it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LARGEST_HEAD = 64 * 1024  # bytes

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Wire:
    """Connections to one server, each for one request at a time; who finds none free waits."""

    host: str
    port: int
    free: asyncio.Semaphore
    _idle: list[_Connection] = field(default_factory=list)

    async def post(self, path: str, token: str, body: bytes) -> Answer:
        """Return the answer; one that the server has closed meanwhile is opened again, and the request repeated."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self.host}\r\nauthorization: Bearer {token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        async with self.free:
            while True:
                is_new = not self._idle
                reader, writer = await self._open() if is_new else self._idle.pop()
                try:
                    writer.write(head.encode() + body)
                    answer = await _answer(reader)
                except (OSError, asyncio.IncompleteReadError):
                    writer.close()
                    if is_new:
                        raise
                    continue
                self._idle.append((reader, writer))
                return answer

    async def _open(self) -> _Connection:
        return await asyncio.open_connection(self.host, self.port, limit=LARGEST_HEAD)

    def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()


@asynccontextmanager
async def wire(address: str, connections: int) -> AsyncIterator[Wire]:
    """Yield so many connections to the server at this address."""
    place = urlsplit(address)
    assert place.hostname and place.port
    opened = Wire(place.hostname, place.port, asyncio.Semaphore(connections))
    try:
        yield opened
    finally:
        opened.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    return Answer(int(first.split()[1]), headers, await reader.readexactly(int(headers["content-length"])))
