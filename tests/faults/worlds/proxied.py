"""Postgres and Kafka with a proxy of ours before each: the services reach them only through it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.faults.proxy import Proxy, before
from tests.faults.rig import Rig
from tests.faults.servers import Servers, broker_program, postgres_program, started


@asynccontextmanager
async def behind_proxies(home: Path) -> AsyncIterator[Servers]:
    """Give the servers, with both proxies in `extra`."""
    database = postgres_program(home, home / "postgres")
    broker, place = broker_program(home, home / "kafka")
    where = urlsplit(database.url)
    async with (
        before("127.0.0.1", where.port or 5432) as postgres,
        before("127.0.0.1", int(place.rpartition(":")[2]), speaks_postgres=False) as kafka,
    ):
        # a client goes where the broker says that it is
        with (home / "kafka" / "server.properties").open("a") as properties:
            properties.write(f"advertised.listeners=PLAINTEXT://127.0.0.1:{kafka.at}\n")
        proxied = urlunsplit(where._replace(netloc=f"{where.netloc.rpartition('@')[0]}@127.0.0.1:{postgres.at}"))
        servers = Servers(
            proxied,
            f"127.0.0.1:{kafka.at}",
            database.url,
            place,
            database.program,
            [broker],
            home / "postgres",
            [home / "kafka"],
            {"postgres": postgres, "kafka": kafka},
        )
        async with started(servers):
            yield servers


def proxy(rig: Rig, server: str) -> Proxy:
    """Return the proxy before `postgres` or `kafka`."""
    found = rig.servers.extra[server]
    assert isinstance(found, Proxy)
    return found
