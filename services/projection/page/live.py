"""Keeps open pages live: reads what is in sight when the views have moved, and sends each page the parts that changed.

At most two frames a second. A page that reads slowly loses the older of two forms of a part, never the newer, and never
holds up another. Waits are seconds.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog
from fastapi import FastAPI

from services.projection.page import machine
from services.projection.page.rendering import Pages, Scene, look
from services.projection.page.sight import Sight
from shared.errors import Unavailable
from shared.faults import is_passing
from shared.running import Running, pause

BETWEEN_FRAMES = 0.5
LONGEST_SILENCE = 1.0
MACHINE_EVERY = 1.0
LONGEST_STREAM = 600.0  # then the browser comes again, and its token is looked at again
MOST_PAGES = 500
GZIP = zlib.MAX_WBITS | 16

_log = structlog.get_logger()


@dataclass(eq=False)
class Reader:
    """One open page: the parts it has been sent, and the newest form of those that it has not."""

    sight: Sight
    sent: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, parts: dict[str, str]) -> None:
        """Let the page have what has changed since the last it was sent."""
        for name, html in parts.items():
            if self.sent.get(name) != html:
                self.waiting[name] = html
            else:
                self.waiting.pop(name, None)
        if self.waiting:
            self.ready.set()

    def take(self) -> bytes:
        """Return what waits as one frame."""
        taken, self.waiting = self.waiting, {}
        self.ready.clear()
        self.sent |= taken
        partials = (
            f'<hx-partial hx-target="#{name}" hx-swap="innerMorph">{html}</hx-partial>' for name, html in taken.items()
        )
        lines = (line.strip() for line in "\n".join(partials).splitlines())
        return "".join(f"data: {line}\n" for line in lines if line).encode() + b"\n"


async def packed(frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give the frames as one gzip stream, each at once: a frame is mostly what the one before it was."""
    packing = zlib.compressobj(wbits=GZIP)
    async for frame in frames:
        yield packing.compress(frame) + packing.flush(zlib.Z_SYNC_FLUSH)
    yield packing.flush()


class Live:
    """The open pages of one process. It works only while somebody looks."""

    def __init__(self, running: Running) -> None:
        self.pages = Pages()
        self.machine: machine.Machine | None = None
        self._running = running
        self._readers: set[Reader] = set()
        self._work: asyncio.Task[None] | None = None

    def admit(self) -> None:
        """Raise Unavailable when too many pages are open for one more."""
        if len(self._readers) >= MOST_PAGES:
            raise Unavailable("too many pages are open")

    async def frames(self, sight: Sight) -> AsyncIterator[bytes]:
        """Give the frames of one page, until it goes, the service stops or the stream has lasted long."""
        reader, ends_at = Reader(sight), asyncio.get_running_loop().time() + LONGEST_STREAM
        self._readers.add(reader)
        self._watch()
        try:
            yield b": open\n\n"
            while not self._running.stop.is_set() and asyncio.get_running_loop().time() < ends_at:
                await pause(self._running, LONGEST_SILENCE, reader.ready)
                if reader.waiting:
                    yield reader.take()
        finally:
            self._readers.discard(reader)

    def _watch(self) -> None:
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._while_watched())
            self._work.add_done_callback(_report)

    async def _while_watched(self) -> None:
        asking = asyncio.create_task(self._ask())
        asking.add_done_callback(_report)
        ear = self._running.projected.listen()
        try:
            while self._readers and not self._running.stop.is_set():
                with suppress(Unavailable):
                    await self._tell()
                await asyncio.sleep(BETWEEN_FRAMES)
                await pause(self._running, LONGEST_SILENCE - BETWEEN_FRAMES, ear)
        finally:
            asking.cancel()
            self.machine = None

    async def _ask(self) -> None:
        while True:
            self.machine = await machine.read(self._running)
            await asyncio.sleep(MACHINE_EVERY)

    async def _tell(self) -> None:
        """Read once for those who see the same, and fill the templates once for those who read the same language."""
        scenes: dict[Sight, Scene] = {}
        parts: dict[Sight, dict[str, str]] = {}
        for reader in list(self._readers):
            seen = replace(reader.sight, language="")
            if seen not in scenes:
                scenes[seen] = await self._look(seen)
            if reader.sight not in parts:
                parts[reader.sight] = self.pages.parts(scenes[seen], reader.sight)
            reader.offer(parts[reader.sight])

    async def _look(self, sight: Sight) -> Scene:
        try:
            return await look(self._running, sight, self.machine)
        except Exception as error:
            if not is_passing(error):
                raise
            _log.warning("the page cannot be read", error=f"{type(error).__name__}: {error}")
            raise Unavailable("the views cannot be read") from error


def _report(task: "asyncio.Task[None]") -> None:
    """Log the bug that ended the work; a browser that hears nothing comes again, and with it the work begins anew."""
    if not task.cancelled() and (error := task.exception()):
        _log.error("bug", exc_info=error)


def live_of(app: FastAPI) -> Live:
    """Return the open pages of the process that serves the application."""
    if not hasattr(app.state, "live"):
        app.state.live = Live(app.state.running)
    live = app.state.live
    assert isinstance(live, Live)
    return live
