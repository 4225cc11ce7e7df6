"""Programs that are forked from one with most of what they need imported, as the rig keeps them. Seconds."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from signal import Signals
from threading import Event, Lock, Thread

from deploy.local.places import CHECKOUT

STARTED_WITHIN = 60.0


class Forked:
    """A forked process, to its driver as one of `subprocess` is."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._over = Event()
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return with what status it ended, none while it runs."""
        return self._status

    def wait(self) -> int | None:
        """Return its status when it has ended."""
        self._over.wait()
        return self._status

    def send_signal(self, number: Signals) -> None:
        """Send it a signal, if it has not ended: it may have, and nobody been told."""
        with suppress(ProcessLookupError):
            if self._status is None:
                os.kill(self.pid, number)

    def end(self, status: int) -> None:
        """Note that it has ended."""
        self._status = status
        self._over.set()


class Forks:
    """A process that forks for one rig; its environment has the rig's mark, and so have all that it forks.

    With `ours` they find our code imported too, which is not for those in whom some of it is replaced.
    """

    def __init__(self, environment: Mapping[str, str], *, ours: bool) -> None:
        self._forking = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking", *(["--ours"] if ours else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=CHECKOUT,
        )
        self._started: Queue[Forked | None] = Queue()
        self._running: dict[int, Forked] = {}
        self._order = Lock()
        self._hearing = Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def start(self, words: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path) -> Forked:
        """Return a process that runs a module with these words."""
        order = {"words": words, "environment": dict(environment), "log": str(log), "cwd": str(cwd)}
        assert self._forking.stdin
        with self._order:
            self._forking.stdin.write(json.dumps(order).encode() + b"\n")
            self._forking.stdin.flush()
            started = self._started.get(timeout=STARTED_WITHIN)
        assert started, "the process that forks has ended"
        return started

    def close(self) -> None:
        """Fork no more."""
        assert self._forking.stdin
        assert self._forking.stdout
        self._forking.stdin.close()
        self._forking.wait()
        self._hearing.join()
        self._forking.stdout.close()

    def _hear(self) -> None:
        assert self._forking.stdout
        for line in self._forking.stdout:
            told = json.loads(line)
            if "started" in told:
                self._running[told["started"]] = Forked(told["started"])
                self._started.put(self._running[told["started"]])
            else:
                self._running.pop(told["ended"]).end(told["status"])
        self._started.put(None)
        for left in self._running.values():
            left.end(-1)


@dataclass
class ForkedChild:
    """A program that is forked whenever it is started; `words` are a module and what it is told."""

    name: str
    words: Sequence[str]
    environment: dict[str, str]
    log: Path
    cwd: Path
    forks: Forks
    process: Forked | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, its output added to its log."""
        self.process = self.forks.start(self.words, self.environment, self.log, self.cwd)

    def ended(self) -> int | None:
        """Return with what status it ended, none while it runs."""
        return None if self.process is None else self.process.poll()
