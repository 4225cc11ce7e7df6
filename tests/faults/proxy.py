"""A TCP proxy of ours before a server: slow, cut, a black hole, or gone between a COMMIT and its answer. Seconds.

It reads Postgres's protocol only as far as it must: which text a client executes, and when the server is ready again.
"""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

COMMIT = re.compile(rb"\s*(?:COMMIT|END)\b", re.IGNORECASE)
CHUNK = 64 * 1024  # bytes

_TLS_ASKED = (80877103, 80877104)  # answered by one byte without a length
_CANCEL = 80877102
_AT_ONCE = struct.pack("ii", 1, 0)


class Doubt(Enum):
    """What became of a COMMIT whose answer never comes; the client cannot tell the two apart."""

    DONE = "the server has it"
    LOST = "it never got there"


@dataclass
class Trap:
    """The next statement whose text begins like `text` is sent, or lost, and its connection is cut unanswered."""

    text: re.Pattern[bytes]
    doubt: Doubt
    sprung: asyncio.Event = field(default_factory=asyncio.Event)


class Statements:
    """Finds in what a Postgres client sends the texts that it executes, however the bytes are cut into pieces. Pure."""

    def __init__(self) -> None:
        self.tls_answers = 0
        self._rest = b""
        self._has_begun = False
        self._prepared: dict[bytes, bytes] = {}
        self._bound: dict[bytes, bytes] = {}

    def executed(self, chunk: bytes) -> Iterator[bytes]:
        """Give the texts of the statements that this piece completes the order for."""
        self._rest += chunk
        while (message := self._next()) is not None:
            kind, body = message
            names = body.split(b"\0")
            match kind:
                case b"Q":
                    yield names[0]
                case b"P":
                    self._prepared[names[0]] = names[1]
                case b"B":
                    self._bound[names[0]] = self._prepared.get(names[1], b"")
                case b"E":
                    yield self._bound.get(names[0], b"")

    def _next(self) -> tuple[bytes, bytes] | None:
        head = 1 if self._has_begun else 0
        if len(self._rest) < head + 4:
            return None
        (length,) = struct.unpack_from("!I", self._rest, head)
        end = head + length
        if len(self._rest) < end:
            return None
        kind, body, self._rest = self._rest[:head], self._rest[head + 4 : end], self._rest[end:]
        if not self._has_begun:
            (code,) = struct.unpack_from("!I", body)
            self.tls_answers += code in _TLS_ASKED
            self._has_begun = code not in (*_TLS_ASKED, _CANCEL)
        return kind, body


class Answers:
    """Finds in what a Postgres server answers the messages that say: ready for the next. Pure."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._rest = b""

    def is_ready(self, chunk: bytes) -> bool:
        """Return whether this piece completes such a message."""
        self._rest += chunk
        found = False
        while self._statements.tls_answers and self._rest:
            self._statements.tls_answers -= 1
            self._rest = self._rest[1:]
        at = 0
        while len(self._rest) >= at + 5:
            kind, length = struct.unpack_from("!cI", self._rest, at)
            if len(self._rest) < at + 1 + length:
                break
            found = found or kind == b"Z"
            at += 1 + length
        self._rest = self._rest[at:]
        return found


@dataclass
class Proxy:
    """Stands before one server. `delay` is waited for each way; while `is_hole`, bytes vanish and nobody is told.

    A connection that lost bytes in the hole stays silent after it, as behind a router that has forgotten it.
    """

    host: str
    port: int
    speaks_postgres: bool
    at: int = 0
    delay: float = 0.0
    is_hole: bool = False
    _traps: list[Trap] = field(default_factory=list)
    _pairs: "set[_Pair]" = field(default_factory=set)

    def cut(self) -> int:
        """Reset every connection; return how many there were."""
        pairs = list(self._pairs)
        for pair in pairs:
            pair.abort()
        return len(pairs)

    def trap(self, doubt: Doubt, text: re.Pattern[bytes] = COMMIT) -> Trap:
        """Set a trap for the next COMMIT, or another statement that is one: a call in autocommit."""
        trap = Trap(text, doubt)
        self._traps.append(trap)
        return trap

    def sprung_by(self, text: bytes) -> Trap | None:
        """Return the trap that this statement springs; it is set no more."""
        found = next((trap for trap in self._traps if trap.text.match(text)), None)
        if found:
            self._traps.remove(found)
        return found

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until an end of it is closed."""
        try:
            theirs = await asyncio.open_connection(self.host, self.port)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(self, reader, writer, *theirs)
        self._pairs.add(pair)
        try:
            await pair.carry()
        finally:
            self._pairs.discard(pair)


class _Pair:
    """A client's connection and the one to the server that stands for it."""

    def __init__(
        self,
        proxy: Proxy,
        from_client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._client, self._server = (from_client, to_client), (from_server, to_server)
        self._statements = Statements()
        self._answers = Answers(self._statements)
        self._trap: Trap | None = None
        self._is_mute = False

    def abort(self) -> None:
        """Reset both ends."""
        for _, writer in (self._client, self._server):
            _reset(writer)

    async def carry(self) -> None:
        """Carry both ways until one is over."""
        ways = [asyncio.ensure_future(self._out()), asyncio.ensure_future(self._back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if self._trap:
                self.abort()
                self._trap.sprung.set()
            for _, writer in (self._client, self._server):
                writer.close()

    async def _out(self) -> None:
        async for chunk in self._pieces(self._client[0]):
            if self._trap is None and self._proxy.speaks_postgres:
                sprung = [self._proxy.sprung_by(text) for text in self._statements.executed(chunk)]
                self._trap = next((trap for trap in sprung if trap), None)
            if self._trap and self._trap.doubt is Doubt.LOST:
                return
            await self._hand_on(self._server[1], chunk)

    async def _back(self) -> None:
        async for chunk in self._pieces(self._server[0]):
            is_ready = self._proxy.speaks_postgres and self._answers.is_ready(chunk)
            if self._trap is None:
                await self._hand_on(self._client[1], chunk)
            elif is_ready:
                return

    async def _pieces(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """Give what comes in; nothing of what comes while, or after, the connection was in the hole."""
        try:
            while chunk := await reader.read(CHUNK):
                self._is_mute = self._is_mute or self._proxy.is_hole
                if not self._is_mute:
                    yield chunk
        except ConnectionError:
            return

    async def _hand_on(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        if self._proxy.delay:
            await asyncio.sleep(self._proxy.delay)
        with suppress(ConnectionError):  # then the reader of that end sees it too
            writer.write(chunk)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    if not writer.is_closing():
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()


@asynccontextmanager
async def before(host: str, port: int, *, speaks_postgres: bool = True) -> AsyncIterator[Proxy]:
    """Yield a proxy that listens at its `at` on 127.0.0.1 before this server; its connections end with the block."""
    proxy = Proxy(host, port, speaks_postgres)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.at = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await server.wait_closed()
