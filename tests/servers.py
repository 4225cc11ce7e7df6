"""The Postgres and Kafka that tests use: those given, else containers when INFRA=containers, else the local runtime."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import yaml
from aiokafka.admin import AIOKafkaAdminClient

from deploy.keys import write_keys
from deploy.local.places import CHECKOUT, LOCAL
from deploy.local.ports import free_port
from deploy.local.run import Run
from shared.settings import Settings
from tests.ports import held_base

_CONNECTED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(usename, $1)"
_SCHEMAS = "SELECT quote_ident(nspname) FROM pg_namespace WHERE starts_with(nspname, $1)"
_ROLES = "SELECT quote_ident(rolname) FROM pg_roles WHERE starts_with(rolname, $1)"


@dataclass(frozen=True)
class Servers:
    """Where they are."""

    database_url: str
    kafka: str


@contextmanager
def found() -> Iterator[Servers]:
    """Yield the servers; what was started for it is stopped at the end, and when this process dies."""
    given = os.environ.get("BRANCHLINE_DATABASE_URL"), os.environ.get("BRANCHLINE_KAFKA")
    with ExitStack() as started:
        if given[0] and given[1]:
            yield Servers(given[0], given[1])
        elif os.environ.get("INFRA") == "containers":
            yield started.enter_context(_containers())
        else:
            yield started.enter_context(_local())


@asynccontextmanager
async def new_cell(servers: Servers, folder: Path) -> AsyncIterator[Settings]:
    """Yield the settings of a new cell, whose keys are in the folder, and remove what it has in the servers."""
    write_keys(folder / "keys")
    with held_base() as base:
        settings = Settings(
            cell=f"t{secrets.token_hex(4)}",
            database_url=servers.database_url,
            kafka=servers.kafka,
            keys=folder / "keys",
            host="127.0.0.1",
            peers="http://127.0.0.1:{port}",
            ports=base,
            log_level="INFO",
        )
        yield settings
        await wipe(settings)


async def wipe(settings: Settings) -> None:
    """Remove what a cell has in the servers: its schemas, roles and topics."""
    connection = await asyncpg.connect(settings.database_url)
    prefix = f"{settings.cell}_"
    try:
        await connection.execute(_CONNECTED, prefix)
        for (schema,) in await connection.fetch(_SCHEMAS, prefix):
            await connection.execute(" ".join(["DROP SCHEMA", schema, "CASCADE"]))
        for (role,) in await connection.fetch(_ROLES, prefix):
            await connection.execute(" ".join(["DROP OWNED BY", role, ";", "DROP ROLE", role]))
    finally:
        await connection.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        await admin.start()
        topics = [topic for topic in await admin.list_topics() if topic.startswith(f"{settings.cell}.")]
        if topics:
            await admin.delete_topics(topics)
    finally:
        await admin.close()


@contextmanager
def _local() -> Iterator[Servers]:
    folder = LOCAL / "tests"
    _forget_dead(folder)
    run = Run(folder / str(os.getpid()), services=(), leashed=True, durable=False)
    try:
        environment = run.start().environment
        yield Servers(environment["BRANCHLINE_DATABASE_URL"], environment["BRANCHLINE_KAFKA"])
    finally:
        run.stop()
        shutil.rmtree(run.home, ignore_errors=True)


def _forget_dead(folder: Path) -> None:
    for home in folder.glob("*"):
        if not psutil.pid_exists(int(home.name)):
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _containers() -> Iterator[Servers]:
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    composed = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    port = free_port()
    listening = {
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
    }
    postgres = PostgresContainer(composed["postgres"]["image"], driver=None)
    kafka = DockerContainer(composed["kafka"]["image"]).with_bind_ports(port, port)
    kafka.with_envs(**composed["kafka"]["environment"] | listening)
    kafka.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    with postgres.with_command(composed["postgres"]["command"]), kafka:
        yield Servers(postgres.get_connection_url(), f"127.0.0.1:{port}")
