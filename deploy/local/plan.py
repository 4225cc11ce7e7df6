"""What a run consists of: the programs and their settings. The supervisor knows the order."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import kafka, postgres
from deploy.local.places import CHECKOUT, JARS
from deploy.local.ports import free_port, is_free, listens
from deploy.local.processes import MARK, Child
from deploy.local.state import State
from shared.settings import PORTS


@dataclass(frozen=True)
class Plan:
    """A run in the data folder `home`. `durable` false is for data that nobody misses after a power cut."""

    home: Path
    services: Sequence[str]
    durable: bool = True

    @property
    def logs(self) -> Path:
        """Return the folder of the logs."""
        return self.home / "logs"

    def servers(self, state: State) -> list[Child]:
        """Prepare and return the servers that are not given; `state.ports` gets theirs, the last run's where free."""
        children = []
        if not os.environ.get("BRANCHLINE_DATABASE_URL"):
            postgres.prepare(self.home / "postgres")
            port = _port(state, "postgres")
            command = postgres.command(self.home / "postgres", port, durable=self.durable)
            children.append(self._child("postgres", command, {}, user=postgres.user(), stop_signal=signal.SIGINT))
        if not os.environ.get("BRANCHLINE_KAFKA"):
            kafka.prepare(self.home / "kafka", JARS)
            command = kafka.command(self.home / "kafka", JARS, _port(state, "kafka"), _port(state, "controller"))
            children.append(self._child("kafka", command, {}))
        return children

    def environment(self, state: State) -> dict[str, str]:
        """Return the settings of the services (`shared/settings.py`): what is given, else this run's own."""
        own = {
            "BRANCHLINE_CELL": "local",
            "BRANCHLINE_KEYS": str(self.home / "keys"),
            "BRANCHLINE_HOST": "127.0.0.1",
            "BRANCHLINE_PORTS": "8000",
            **{name: value for name, value in os.environ.items() if name.startswith("BRANCHLINE_") and name != MARK},
        }
        if "postgres" in state.ports and not os.environ.get("BRANCHLINE_DATABASE_URL"):
            own["BRANCHLINE_DATABASE_URL"] = postgres.address(self.home / "postgres", state.ports["postgres"])
        if "kafka" in state.ports and not os.environ.get("BRANCHLINE_KAFKA"):
            own["BRANCHLINE_KAFKA"] = f"127.0.0.1:{state.ports['kafka']}"
        return own

    def branchline(self, *arguments: str, environment: Mapping[str, str]) -> Child:
        """Return the command `branchline` with these arguments, named after the last of them that is a name."""
        name = arguments[1] if arguments[0] == "serve" else arguments[0]
        return self._child(name, [sys.executable, "-m", "branchline", *arguments], environment, cwd=CHECKOUT)

    def _child(
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        cwd: Path | None = None,
        user: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Child:
        marked = {**os.environ, **environment, MARK: str(self.home)}
        return Child(name, command, marked, self.logs / f"{name}.log", cwd or self.home, user, stop_signal)


def servers_answer(environment: Mapping[str, str]) -> bool:
    """Return whether the Postgres and the Kafka of these settings take connections."""
    servers = (urlsplit(f"//{server}") for server in environment["BRANCHLINE_KAFKA"].split(","))
    return postgres.answers(environment["BRANCHLINE_DATABASE_URL"]) and any(
        listens(server.hostname or "127.0.0.1", server.port or 9092) for server in servers
    )


def taken_ports(services: Sequence[str], base: int) -> dict[str, int]:
    """Return the services whose port another program has, with the port."""
    return {name: base + PORTS[name] for name in services if not is_free(base + PORTS[name])}


def _port(state: State, name: str) -> int:
    port = state.ports.get(name)
    if port is None or not is_free(port):
        port = state.ports[name] = free_port()
    return port
