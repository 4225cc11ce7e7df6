"""A service while it runs: what every part and every endpoint of it shares. Waits are in seconds."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from uuid import uuid4
from weakref import WeakSet

from shared.handling import Handler
from shared.peer import Peers
from shared.performing import Queues
from shared.postgres import Pool, open_pool
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.service import Service

StartFrom = Literal["beginning", "now"]
One = TypeVar("One")

COMMAND_CONNECTIONS, FEED_CONNECTIONS = 8, 4


class CannotRun(Exception):
    """A service cannot start, or go on; the message is one sentence for whoever started it."""


class Bell(asyncio.Event):
    """An event that several parts listen to, each with its own ear: clearing it takes nothing from the others."""

    def __init__(self) -> None:
        super().__init__()
        self._ears: WeakSet[asyncio.Event] = WeakSet()

    def listen(self) -> asyncio.Event:
        """Return an ear of one's own, set by every later `set` of the bell; it is forgotten with its listener."""
        ear = asyncio.Event()
        self._ears.add(ear)
        return ear

    def set(self) -> None:
        """Wake the bell's own waiters and every ear."""
        super().set()
        for ear in self._ears:
            ear.set()


class Hearer(Protocol):
    """A consumer at work, as far as whoever asks for its lag knows it."""

    @property
    def name(self) -> str:
        """Return the name of its rows."""

    @property
    def topic(self) -> str:
        """Return the topic it reads."""

    @property
    def behind_since(self) -> datetime | None:
        """Return when the oldest record in hand was recorded."""

    async def ends(self) -> Mapping[int, int]:
        """Return where Kafka ends, by partition of those that this process reads."""


@dataclass
class Running:
    """What runs. Each part has its own `stop`; the rest is one and the same object for all parts of the process."""

    service: "Service"
    settings: Settings
    pool: Pool
    feed_pool: Pool  # the sequencer's and the relay's: they do not queue with all who commit
    handler: Handler
    peers: Peers
    queues: Queues = field(default_factory=Queues)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    appended: Bell = field(default_factory=Bell)  # events were committed: wakes the sequencer
    numbered: Bell = field(default_factory=Bell)  # events have numbers: wakes relay and views
    projected: Bell = field(default_factory=Bell)  # the live views moved: wakes whoever streams them
    views_live: asyncio.Event = field(default_factory=asyncio.Event)  # the views of this text are those that are read
    started: asyncio.Event = field(default_factory=asyncio.Event)  # every part has been started
    listening: asyncio.Event = field(default_factory=asyncio.Event)  # this process has its port, and no other has it
    member: str = field(default_factory=lambda: uuid4().hex)  # its name in Kafka's groups
    hearers: list[Hearer] = field(default_factory=list)  # consumers that read Kafka by now
    start_from: StartFrom | None = None  # for consumers that have no row yet
    ones: dict[object, Any] = field(default_factory=dict)

    def one(self, kind: "Callable[[Running], One]") -> One:
        """Return the process's only object of its kind, made when it is first asked for."""
        if kind not in self.ones:
            self.ones[kind] = kind(self)
        made: One = self.ones[kind]
        return made


async def start(service: "Service", settings: Settings, *, start_from: StartFrom | None = None) -> Running:
    """Return the service with its pool open and its handler made; nothing of it works yet."""
    async with AsyncExitStack() as opened:
        pool, feed_pool = [
            await opened.enter_async_context(await open_pool(settings, service.name, size=size))
            for size in (COMMAND_CONNECTIONS, FEED_CONNECTIONS)
        ]
        partitions = await pool.fetchval("SELECT partitions FROM feed_head")
        handler = Handler(service.all_aggregates, partitions, settings.schema(service.name))
        opened.pop_all()  # `finish` closes them
    peers = Peers(settings, service.name)
    running = Running(service, settings, pool, feed_pool, handler, peers, start_from=start_from)
    if service.views is None:
        running.views_live.set()
    return running


async def finish(running: Running) -> None:
    """Close what `start` opened, when the commands that still wait are done."""
    await asyncio.gather(*running.queues.tasks)
    await running.peers.close()
    await running.feed_pool.close()
    await running.pool.close()


async def pause(running: Running, seconds: float, ear: asyncio.Event | None = None) -> None:
    """Wait until the part shall stop, `ear` rings (it is cleared) or the time is over, whichever is first."""
    waiters = [asyncio.ensure_future(e.wait()) for e in (running.stop, ear) if e is not None]
    try:
        await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
    if ear is not None:
        ear.clear()
