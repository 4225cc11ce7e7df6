"""One run as its user sees it: begun in the background, followed until it is ready, stopped. Times are seconds."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.local import assets, jars, kafka, processes
from deploy.local.faults import Failed
from deploy.local.places import CHECKOUT, JARS, LOCAL
from deploy.local.processes import MARK
from deploy.local.state import State, is_running

TICK = 0.1
STOP_TIME = 90.0


@dataclass
class Run:
    """The run of a data folder. Leashed, it ends with the process that began it; `given` adds to the environment."""

    home: Path
    services: tuple[str, ...]
    leashed: bool = False
    durable: bool = True
    given: Mapping[str, str] = field(default_factory=dict)
    supervisor: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _read: int = 0

    def start(self) -> State:
        """Begin it unless it runs, follow it until it is ready, return its state; raise Failed with the reason."""
        fetch(with_page="projection" in self.services)
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "logs").mkdir(exist_ok=True)
        self._read = self._log.stat().st_size if self._log.exists() else 0
        if not is_running(self.home):
            self._begin()
        while True:
            self.follow()
            state = State.read(self.home)
            if state.is_ready and state.supervisor is not None:
                return state
            if not self.lives():
                self.follow()
                raise Failed(State.read(self.home).failure or f"the supervisor ended; see {self._log}")
            time.sleep(TICK)

    def follow(self) -> None:
        """Print what the supervisor has said since the last look."""
        if not self._log.exists():
            return
        with self._log.open() as log:
            log.seek(self._read)
            print(log.read(), end="", flush=True)
            self._read = log.tell()

    def stop(self) -> bool:
        """Stop it, and whatever a killed run left; return whether anything ran. Nothing of it is alive afterwards."""
        supervisor = State.read(self.home).supervisor
        found = processes.marked(self.home)
        if supervisor is not None and is_running(self.home):
            processes.end([process for process in found if process.pid == supervisor], STOP_TIME)
        processes.end(processes.marked(self.home))
        if self.supervisor is not None:
            if self.supervisor.stdin is not None:
                self.supervisor.stdin.close()
            self.supervisor.wait()
        return bool(found)

    def lives(self) -> bool:
        """Return whether its supervisor runs."""
        return (self.supervisor is not None and self.supervisor.poll() is None) or is_running(self.home)

    @property
    def _log(self) -> Path:
        return self.home / "logs" / "supervisor.log"

    def _begin(self) -> None:
        before = State.read(self.home)
        State(ports=before.ports).write(self.home)
        options = [f"--home={self.home}", f"--services={','.join(self.services)}"]
        options += ["--leashed"] * self.leashed + ["--passing"] * (not self.durable)
        with self._log.open("ab") as log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "supervise", *options],
                stdin=subprocess.PIPE if self.leashed else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=CHECKOUT,
                env={**os.environ, **self.given, MARK: str(self.home)},
                start_new_session=True,
            )


def fetch(*, with_page: bool) -> None:
    """Fetch what the run needs and this checkout does not have; waits while another process of the checkout does so."""
    with _fetching(), ThreadPoolExecutor(2) as threads:
        wanted = [threads.submit(_kafka)] + [threads.submit(assets.prepare)] * with_page
        for fetched in wanted:
            fetched.result()


def _kafka() -> None:
    jars.prepare(JARS)
    kafka.train(JARS)


def _fetching() -> IO[str]:
    LOCAL.mkdir(exist_ok=True)
    lock = (LOCAL / "fetch.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
