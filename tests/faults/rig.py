"""The rig: the real system as processes, on servers of its own that may be killed, frozen and wiped. Seconds."""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from branchline.office import Office, open_office
from branchline.simulation.settle import settle
from deploy.keys import write_keys
from deploy.local.places import CHECKOUT, SERVICES
from shared.settings import Settings
from tests.cell import environment, eventually, migrate
from tests.faults.checkers.messages import note_calls
from tests.faults.forks import ForkedChild, Forks
from tests.faults.marks import Marks, marks, missing
from tests.faults.programs import Program
from tests.faults.servers import Servers, logs, marked
from tests.faults.tills import Tills
from tests.journeys.shell import PATIENCE, Said
from tests.servers import wipe

SESSION = "1.5"
HEALED_WITHIN = 90.0
SETTLED_WITHIN = 120.0
SENT_WITHIN = 15.0  # some pauses of a worker that met an outage
_NUMBER = "SELECT number FROM feed_head"
_UNSENT = "SELECT count(*) FROM outbox WHERE claimed_until IS NULL"
TWIN_PARTS = "sequencer,relay,views,timers,workers,consumers"


class Rig:
    """A running system. `planted` names the bug that a service is started with; `memory` is the faults' own.

    `dropped` has, by speaker, the feed number up to which Kafka may have been made to drop what it said.
    """

    def __init__(self, home: Path, servers: Servers, ports: int, seed: str) -> None:
        self.home = home
        self.servers = servers
        self.seed = seed
        self.services: dict[str, Program] = {}
        self.twins: dict[str, Program] = {}
        self.planted: dict[str, str] = {}
        self.memory: dict[str, Any] = {}
        self.dropped: dict[str, int] = {}
        self._ports = ports
        self._forks = Forks(marked(home), ours=True)
        self._bare: Forks | None = None
        self._cells = 0
        self._commands = 0
        self._health = httpx2.AsyncClient(trust_env=False, timeout=2.0)
        self.settings: Settings
        self.office: Office
        self.tills: Tills

    def programs(self) -> list[Program]:
        """Return all programs of the rig."""
        return [*self.servers.programs, *self.services.values(), *self.twins.values()]

    async def new_cell(self) -> None:
        """Begin with a new cell: new tables, topics and journals."""
        await self.leave_cell()
        await self.servers.recover()
        self._cells += 1
        self.dropped = {}
        folder = self.home / f"cell-{self._cells}"
        write_keys(folder / "keys")
        self.settings = Settings(
            cell=f"f{secrets.token_hex(4)}",
            database_url=self.servers.database_url,
            kafka=self.servers.kafka,
            keys=folder / "keys",
            host="127.0.0.1",
            peers="http://127.0.0.1:{port}",
            ports=self._ports,
            log_level="INFO",
        )
        await migrate(self.settings, SERVICES)
        connection = await self.connect("notification")
        await note_calls(connection)
        await connection.close()
        self.office = open_office(self.settings)
        self.tills = Tills(self.office, folder / "journals", self.seed)
        self.services = {name: self.program(name) for name in SERVICES}
        for program in self.services.values():
            program.start()
        await self.ready()
        await self.tills.open()

    async def leave_cell(self) -> None:
        """End the cell's processes, and remove what it has in the servers."""
        if not self.services:
            return
        await self.tills.leave()
        await asyncio.gather(*(p.down() for p in [*self.services.values(), *self.twins.values()]))
        await self.office.__aexit__(None, None, None)
        self.services, self.twins = {}, {}
        with suppress(OSError, asyncpg.PostgresError):
            await wipe(self.settings)

    async def close(self) -> None:
        """Leave the cell, and close what the rig has open."""
        await self.leave_cell()
        await self._health.aclose()
        for forks in (self._forks, self._bare):
            if forks:
                await asyncio.to_thread(forks.close)

    def program(
        self, service: str, *words: str, name: str | None = None, module: Sequence[str] = ("branchline",)
    ) -> Program:
        """Return a process of a service, not started; `words` are more of its command line, `module` what it runs."""
        bug = self.planted.get(service)
        module = ["tests.faults.planted", bug] if bug else module
        return Program(
            ForkedChild(
                name or service,
                [*module, "serve", service, "--from", "beginning", *words],
                {**marked(self.home), **environment(self.settings), "BRANCHLINE_KAFKA_SESSION": SESSION},
                logs(self.home) / f"{name or service}.{self.settings.cell}.log",
                CHECKOUT,
                self._forks_of(bug),
            )
        )

    def _forks_of(self, bug: str | None) -> Forks:
        """Return what forks a program: a bug must be there before our code is imported."""
        if bug is None:
            return self._forks
        self._bare = self._bare or Forks(marked(self.home), ours=False)
        return self._bare

    def twin(self, service: str, parts: str = TWIN_PARTS) -> Program:
        """Start a second process of a service, without its HTTP part, and keep it; it is the caller's to end."""
        name = f"{service}-{len(self.twins) + 2}"
        twin = self.twins[name] = self.program(service, "--parts", parts, name=name)
        twin.start()
        return twin

    async def part(self, twin: Program) -> None:
        """End a twin."""
        await twin.down()
        self.twins.pop(twin.name, None)

    async def connect(self, service: str | None = None) -> "asyncpg.Connection[asyncpg.Record]":
        """Return a connection of the owner, straight to Postgres, that sees a service's tables and views."""
        connection = await asyncpg.connect(self.servers.owner_url)
        if service:
            schema = self.settings.schema(service)
            await connection.execute("SELECT set_config('search_path', $1, false)", f"{schema},{schema}_views")
        return connection

    async def asked(self, service: str, query: str, *arguments: object) -> Any:
        """Return the one value that a query finds in a service's tables."""
        connection = await self.connect(service)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def note_dropped(self, speaker: str) -> None:
        """Note that Kafka need not have what the speaker has said until now."""
        self.dropped[speaker] = await self.asked(speaker, _NUMBER)

    async def branchline(self, *words: str, settings: Settings | None = None, **more: str) -> Said:
        """Run the command, with the cell's settings where there are no others; `more` is added to its environment."""
        self._commands += 1
        said = logs(self.home) / f"branchline-{self._commands}.log"
        about = {**marked(self.home), **environment(settings or self.settings), **more}
        command = ForkedChild("branchline", ["branchline", *words], about, said, CHECKOUT, self._forks)
        command.start()

        async def has_ended() -> bool:
            return command.ended() is not None

        await eventually(has_ended, PATIENCE)
        return Said(command.ended() or 0, said.read_text())

    async def is_ready(self, service: str) -> bool:
        """Return whether a service answers that it is ready."""
        try:
            answer = await self._health.get(f"{self.settings.address(service)}/health/ready")
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    async def ready(self) -> None:
        """Wait until every service answers that it is ready."""

        async def are_ready() -> bool:
            return all([await self.is_ready(name) for name in self.services])

        await eventually(are_ready, HEALED_WITHIN)

    async def caught_up(self, within: float = HEALED_WITHIN) -> None:
        """Wait until all that the stores hold now has been sent, heard and shown."""
        held: Marks | None = None
        left: list[str] = ["the stores do not answer"]
        connection: asyncpg.Connection[asyncpg.Record] | None = None

        async def is_there() -> bool:
            nonlocal held, left, connection
            try:
                if connection is None or connection.is_closed():
                    connection = await self.connect()
                held = held or await marks(connection, self.settings)
                left = await missing(connection, self.settings, held)
                return not left
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return False

        try:
            await eventually(is_there, within)
        except TimeoutError:
            raise AssertionError(f"not caught up within {within:g} s: {'; '.join(left)}") from None
        finally:
            if connection is not None:
                await connection.close()

    async def settled(self) -> None:
        """Wait until nothing is under way; the tills must be closed."""
        behind = await settle(self.office, SETTLED_WITHIN)
        assert not behind, "not settled: " + "; ".join(behind)

        async def are_sent() -> bool:
            return not await self.asked("notification", _UNSENT)

        with suppress(TimeoutError):  # then the messages' checker names them
            await eventually(are_sent, SENT_WITHIN)
