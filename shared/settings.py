"""The settings: every `BRANCHLINE_` variable that a service reads, in this one place.

OpenTelemetry's own, `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_TRACES_SAMPLER_ARG`, are read in `shared/telemetry.py`, and
the tests' own, `BRANCHLINE_FAILPOINT`, in `shared/failpoints.py`.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

# some are kept for services to come, so that no port ever changes its service
PORTS = {
    "pos": 101,
    "booking": 102,
    "membership": 103,
    "loyalty-points": 104,
    "feedback": 105,
    "notification": 106,
    "engagement": 107,
    "inventory": 108,
    "projection": 80,
}


@dataclass(frozen=True)
class Settings:
    """Where this cell's servers are, and the folder of its keys. The services' ports count from `ports`.

    `session` is how long the partitions of a member of a Kafka group that was killed wait for another.
    """

    cell: str
    database_url: str
    kafka: str
    keys: Path
    host: str
    peers: str
    ports: int
    log_level: str
    session: timedelta = timedelta(seconds=6)

    @classmethod
    def read(cls) -> "Settings":
        """Return the environment's settings; raise KeyError, naming the variable, where one must be set and is not."""
        env = os.environ
        return cls(
            cell=env.get("BRANCHLINE_CELL", "local"),
            database_url=env["BRANCHLINE_DATABASE_URL"],
            kafka=env["BRANCHLINE_KAFKA"],
            keys=Path(env["BRANCHLINE_KEYS"]),
            host=env.get("BRANCHLINE_HOST", "127.0.0.1"),
            peers=env.get("BRANCHLINE_PEERS", "http://127.0.0.1:{port}"),
            ports=int(env.get("BRANCHLINE_PORTS", "8000")),
            log_level=env.get("BRANCHLINE_LOG", "INFO"),
            session=timedelta(seconds=float(env.get("BRANCHLINE_KAFKA_SESSION", "6"))),
        )

    def port(self, service: str) -> int:
        """Return the port that `service` listens on."""
        return self.ports + PORTS[service]

    def address(self, service: str) -> str:
        """Return the base address of `service` as others call it."""
        return self.peers.format(service=service, port=self.port(service))

    def topic(self, speaker: str) -> str:
        """Return the topic of a service's public events."""
        return f"{self.cell}.{speaker}.events"

    def schema(self, service: str) -> str:
        """Return the Postgres schema, and role, of a service."""
        return f"{self.cell}_{service}".replace("-", "_")

    def key(self, name: str) -> bytes:
        """Return the key `token`, `database`, `intake` or `vault`; FileNotFoundError where this process has it not."""
        return (self.keys / f"{name}.key").read_bytes().strip()

    def service_url(self, service: str) -> str:
        """Return the database address with the service's own role, whose password is made from the key `database`."""
        role = self.schema(service)
        parts = urlsplit(self.database_url)
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{role}:{quote(self.password(role))}@{place}"))

    def password(self, role: str) -> str:
        """Return the password of a database role of this cell."""
        return hmac.new(self.key("database"), role.encode(), hashlib.sha256).hexdigest()
