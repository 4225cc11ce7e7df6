"""Programs of a rig: real processes, each started again at once when it ends, unless a fault keeps it away. Seconds."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGTERM, Signals

import psutil

from deploy.local.processes import Child
from tests.faults.forks import ForkedChild

TICK = 0.05
PATIENCE = 20.0


class Program:
    """A process that the rig keeps. A fault can see how often it was started, and when, and give it orders for that.

    `deaths` counts how often it ended although nobody had sent it a signal or given it orders.
    """

    def __init__(self, child: Child | ForkedChild) -> None:
        self._environment = dict(child.environment)
        self._child = child
        self.kept = False
        self.starts = 0
        self.deaths = 0
        self._may_end = True
        self.began_at = 0.0
        self.orders: Iterator[Mapping[str, str]] = iter(())

    @property
    def name(self) -> str:
        """Return its name, which is its log's too."""
        return self._child.name

    @property
    def log(self) -> Path:
        """Return where it writes."""
        return self._child.log

    @property
    def pid(self) -> int | None:
        """Return its process id; none while it does not run."""
        return self._child.process.pid if self.runs and self._child.process else None

    @property
    def runs(self) -> bool:
        """Return whether it runs; one that is stopped does."""
        return self._child.process is not None and self._child.ended() is None

    @property
    def ended(self) -> int | None:
        """Return the status with which it ended last."""
        return self._child.ended()

    def start(self, **extra: str) -> None:
        """Start it; `extra`, and the next of its `orders`, is in the environment of this start only."""
        orders = {**next(self.orders, {}), **extra}
        self._child.environment = {**self._environment, **orders}
        self._may_end = bool(orders)
        self._child.start()
        self.starts, self.began_at = self.starts + 1, time.monotonic()
        self.kept = True

    def signal(self, number: Signals) -> None:
        """Send its process a signal, if it has one."""
        if self.runs and self._child.process:
            self._may_end = True
            self._child.process.send_signal(number)

    def keep(self) -> None:
        """Start it again where it has ended, and is to be kept."""
        if self.kept and not self.runs:
            self.deaths += not self._may_end
            self.start()

    def tree(self) -> list[psutil.Process]:
        """Return its process and all that it has started."""
        if self.pid is None:
            return []
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        return []

    async def down(self, number: Signals = SIGTERM) -> None:
        """End it with its children, and keep it away; SIGKILL follows where it does not end."""
        self.kept = False
        tree = self.tree()
        self.signal(number)
        self.signal(SIGCONT)  # one that is stopped hears nothing else
        await asyncio.to_thread(psutil.wait_procs, tree, PATIENCE)
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._child.process:
            await asyncio.to_thread(self._child.process.wait)

    async def up(self, **extra: str) -> None:
        """Let it run again."""
        if not self.runs:
            self.start(**extra)
        self.kept = True

    async def again(self, number: Signals = SIGTERM, **extra: str) -> None:
        """End it and start it."""
        await self.down(number)
        await self.up(**extra)


async def keep(programs: Callable[[], Iterable[Program]]) -> None:
    """Start again whatever of the programs ends, for ever."""
    while True:
        for program in programs():
            program.keep()
        await asyncio.sleep(TICK)
