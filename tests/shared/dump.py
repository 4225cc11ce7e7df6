"""Dumps of services' schemas, and a second Postgres to restore them in, as an operator would."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg

from deploy.local import postgres
from deploy.local.places import LOCAL
from deploy.local.ports import free_port
from shared.migrations import provision
from shared.settings import Settings
from tests.shared.pair import PARTITIONS, eventually

SUFFIXES = ("", "_views", "_building")
DROP = "SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', $1::text)"
SPENT_TRANSACTIONS = 20_000


async def dump(settings: Settings, service: str, file: Path) -> Path:
    """Write a service's schemas to a file."""
    chosen = [f"--schema={settings.schema(service)}{suffix}" for suffix in SUFFIXES]
    await _run("pg_dump", "--format=custom", f"--file={file}", *chosen, f"--dbname={settings.database_url}")
    return file


async def restore(settings: Settings, service: str, file: Path) -> None:
    """Put a service's schemas back as they were."""
    connection = await asyncpg.connect(settings.database_url)
    for suffix in SUFFIXES:
        await connection.execute(await connection.fetchval(DROP, settings.schema(service) + suffix))
    await connection.close()
    await _run("pg_restore", "--exit-on-error", f"--dbname={settings.database_url}", str(file))


@asynccontextmanager
async def new_cluster(settings: Settings, services: Sequence[str]) -> AsyncIterator[Settings]:
    """Yield the settings of a second Postgres that has the services' roles; the first has spent more transactions."""
    folder = LOCAL / "tests" / str(os.getpid()) / settings.cell
    old = await asyncpg.connect(settings.database_url)
    spend = f"FOR i IN 1..{SPENT_TRANSACTIONS} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;"
    await old.execute(f"DO $$ BEGIN {spend} END $$")
    await old.close()
    await asyncio.to_thread(postgres.prepare, folder)
    port = free_port()
    program = await asyncio.create_subprocess_exec(
        *postgres.command(folder, port, durable=False), user=postgres.user(), cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        moved = replace(settings, database_url=postgres.address(folder, port))

        async def answers() -> bool:
            return await asyncio.to_thread(postgres.answers, moved.database_url)

        await eventually(answers)
        for service in services:
            await provision(moved, service, None, partitions=PARTITIONS)
        yield moved
    finally:
        program.terminate()
        await program.wait()
        shutil.rmtree(folder)


async def _run(program: str, *arguments: str) -> None:
    def run() -> None:
        subprocess.run([postgres.PROGRAMS / program, *arguments], check=True, capture_output=True)

    await asyncio.to_thread(run)
