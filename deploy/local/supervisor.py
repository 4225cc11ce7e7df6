"""Runs a plan in the background: starts its programs in order, starts again what ends, stops all in reverse.

The order is keys, Postgres and Kafka, `branchline migrate`, then all services at once, each waited for.

What it says goes to its standard output, a line each; what it knows to `state.json`. Times are seconds.
"""

import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from deploy.keys import write_keys
from deploy.local import processes
from deploy.local.faults import Failed
from deploy.local.kept import Kept
from deploy.local.plan import Plan, servers_answer, taken_ports
from deploy.local.processes import Child
from deploy.local.state import State, held
from shared.settings import PORTS

TICK = 0.1
START_TIME = 120.0
PATIENCE = 20.0
ENDS_ALLOWED = 3


class Stopped(Exception):
    """It was told to stop."""


class Supervisor:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.kept: list[Kept] = []
        self.told = threading.Event()
        self.state = State(ports=State.read(plan.home).ports, supervisor=os.getpid())

    def run(self) -> int:
        """Run until told to stop; return the exit status."""
        with _held_soon(self.plan.home) as mine:
            if not mine:
                say("another supervisor has this data folder")
                return 1
            try:
                self._start()
                self._until(lambda: False, None, "")
            except Stopped:
                say("stopping")
            except Failed as failure:
                say(f"failed: {failure}")
                self.state.failure = str(failure)
            finally:
                self._stop()
        return 1 if self.state.failure else 0

    def _start(self) -> None:
        processes.end(processes.marked(self.plan.home))
        self.plan.logs.mkdir(exist_ok=True)
        write_keys(self.plan.home / "keys")
        self.state.environment = self.plan.environment(self.state)
        self._write()
        self._check_ports()
        for child in self.plan.servers(self.state):
            self._keep(child)
        self.state.environment = self.plan.environment(self.state)
        self._until(lambda: servers_answer(self.state.environment), START_TIME, "Postgres and Kafka do not answer")
        say("Postgres and Kafka answer")
        if self.plan.services:
            self._start_services()
        say("everything is ready")
        self.state.is_ready = True
        self._write()

    @property
    def _base(self) -> int:
        return int(self.state.environment["BRANCHLINE_PORTS"])

    def _check_ports(self) -> None:
        if taken := taken_ports(self.plan.services, self._base):
            named = ", ".join(f"{port} ({name})" for name, port in taken.items())
            raise Failed(f"another program listens on {named}; stop it, or give other ports, as BRANCHLINE_PORTS=9000")

    def _start_services(self) -> None:
        migrate = self.plan.branchline("migrate", environment=self.state.environment)
        migrate.start()
        try:
            self._until(lambda: migrate.ended() is not None, START_TIME, "branchline migrate does not end")
        finally:
            migrate.stop(PATIENCE)
        if migrate.ended():
            raise Failed(f"branchline migrate ended with {migrate.ended()}:\n{migrate.last_words()}")
        say("migrated")
        for name in self.plan.services:
            self._keep(self.plan.branchline("serve", name, "--from", "beginning", environment=self.state.environment))
        self._write()
        for name in self.plan.services:
            address = f"127.0.0.1:{self._base + PORTS[name]}"
            self._until(partial(_is_ready, address), START_TIME, f"{name} does not get ready")
            say(f"{name} is ready on http://{address}")

    def _keep(self, child: Child) -> None:
        kept = Kept(child)
        self.kept.append(kept)
        kept.start(time.monotonic())

    def _until(self, is_so: Callable[[], bool], within: float | None, failure: str) -> None:
        """Tend the children until `is_so`; raise Stopped when told, Failed when it is late or a child will not live."""
        began = time.monotonic()
        while not is_so():
            if self.told.wait(TICK):
                raise Stopped
            now = time.monotonic()
            for kept in self.kept:
                said = kept.tend(now)
                if said:
                    say(said)
                    self._write()
                if within is not None and kept.ends > ENDS_ALLOWED:
                    raise Failed(f"{kept.child.name} does not stay up:\n{kept.child.last_words()}")
            if within is not None and now - began > within:
                raise Failed(f"{failure} within {within:g} s; see {self.plan.logs}")

    def _stop(self) -> None:
        services = [kept.child for kept in self.kept if kept.child.name in self.plan.services]
        servers = [kept.child for kept in self.kept if kept.child.name not in self.plan.services]
        with ThreadPoolExecutor(max(len(self.kept), 1)) as threads:
            for group in (services, servers):
                list(threads.map(lambda child: child.stop(PATIENCE), group))
        processes.end(processes.marked(self.plan.home))
        self.kept.clear()
        self.state.supervisor, self.state.is_ready = None, False
        self._write()
        (self.plan.home / "env").unlink(missing_ok=True)
        say("stopped")

    def _write(self) -> None:
        running = ((kept.child.name, kept.child.process) for kept in self.kept)
        self.state.processes = {name: process.pid for name, process in running if process is not None}
        self.state.write(self.plan.home)
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in sorted(self.state.environment.items()))
        environment = self.plan.home / "env"
        environment.touch(mode=0o600)
        environment.write_text("".join(lines))


def say(sentence: str) -> None:
    """Write a line to whoever follows the run."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


def supervise(plan: Plan, *, leashed: bool) -> int:
    """Run `plan` until SIGTERM or SIGINT, or, when leashed, the end of standard input: whoever holds it has gone."""
    supervisor = Supervisor(plan)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.told.set())
    if leashed:
        threading.Thread(target=_hold_leash, args=(supervisor.told,), daemon=True).start()
    return supervisor.run()


@contextmanager
def _held_soon(home: Path) -> Iterator[bool]:
    """Hold the run's lock, trying for a little while: who only looks whether a run lives has it for a moment."""
    for _ in range(20):
        with held(home) as mine:
            if mine:
                yield True
                return
        time.sleep(TICK)
    yield False


def _is_ready(address: str) -> bool:
    try:
        with closing(HTTPConnection(address, timeout=2)) as connection:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False


def _hold_leash(told: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    told.set()
