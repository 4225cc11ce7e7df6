"""The servers of a rig: Postgres and Kafka out of the local runtime, as processes that may be killed. Seconds."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT
from typing import Any, TypeAlias

from deploy.local import kafka, postgres
from deploy.local.places import JARS
from deploy.local.plan import servers_answer
from deploy.local.ports import free_port
from deploy.local.processes import MARK, Child
from tests.faults.programs import Program

# brokers are started over and over on few processors: what Java would compile again would be gone before it paid
SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# a broker's own floor is six seconds
SHORT_SESSIONS = "group.min.session.timeout.ms=1000\n"
START_TIME = 60.0


class CannotBuild(Exception):
    """This machine does not let such servers be; the message says what it would need. Their faults are red."""


@dataclass
class Servers:
    """Where they are. `database_url` and `kafka` are what services get; the owner goes straight there."""

    database_url: str
    kafka: str
    owner_url: str
    owner_kafka: str
    postgres: Program
    brokers: list[Program]
    postgres_home: Path
    kafka_homes: list[Path]
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def programs(self) -> list[Program]:
        """Return all of them."""
        return [self.postgres, *self.brokers]

    async def recover(self) -> None:
        """Let what a broken-off round has left down or stopped run again."""
        for program in self.programs:
            for process in program.tree():
                process.send_signal(SIGCONT)
            await program.up()
        await self.answer()

    async def answer(self) -> None:
        """Wait until Postgres and a broker take connections."""
        places = {"BRANCHLINE_DATABASE_URL": self.owner_url, "BRANCHLINE_KAFKA": self.owner_kafka}
        async with asyncio.timeout(START_TIME):
            while not await asyncio.to_thread(servers_answer, places):
                await asyncio.sleep(0.1)


Builder: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Servers]]


@asynccontextmanager
async def one_broker(home: Path) -> AsyncIterator[Servers]:
    """Give one Postgres and one broker, at work."""
    database = postgres_program(home, home / "postgres")
    broker, place = broker_program(home, home / "kafka")
    url = str(database.url)
    servers = Servers(url, place, url, place, database.program, [broker], home / "postgres", [home / "kafka"])
    async with started(servers):
        yield servers


@asynccontextmanager
async def started(servers: Servers) -> AsyncIterator[None]:
    """Start the servers, and end them after."""
    for program in servers.programs:
        program.start()
    try:
        await servers.answer()
        yield
    finally:
        await asyncio.gather(*(program.down() for program in servers.programs))


@dataclass(frozen=True)
class Database:
    """Postgres as a program, and its address for its owner."""

    program: Program
    url: str


def postgres_program(home: Path, folder: Path, *options: str) -> Database:
    """Return a Postgres with its data in the folder, not started; `options` are more of its command line."""
    postgres.prepare(folder)
    port = free_port()
    command = [*postgres.command(folder, port), *options]
    child = Child("postgres", command, marked(home), logs(home) / "postgres.log", folder, postgres.user())
    return Database(Program(child), postgres.address(folder, port))


def broker_program(home: Path, folder: Path) -> tuple[Program, str]:
    """Return a broker with its data in the folder, not started, and its address."""
    kafka.prepare(folder, JARS)
    port = free_port()
    java, *words = kafka.command(folder, JARS, port, free_port())
    with (folder / "server.properties").open("a") as properties:
        properties.write(SHORT_SESSIONS)
    child = Child("kafka", [java, *SMALL, *words], marked(home), logs(home) / "kafka.log", folder)
    return Program(child), f"127.0.0.1:{port}"


def marked(home: Path) -> dict[str, str]:
    """Return this environment without its settings, and with the rig's mark."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BRANCHLINE_")}
    return {**own, MARK: str(home)}


def logs(home: Path) -> Path:
    """Return the folder of a rig's logs, made."""
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
