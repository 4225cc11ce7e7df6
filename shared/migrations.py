"""What cannot be rebuilt: a service's role, schemas and tables, made once by numbered SQL files, under one lock."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.failpoints import reached
from shared.settings import Settings

KERNEL = Path(__file__).parent / "sql"
PARTITIONS = 12

_BOOK = """
CREATE TABLE IF NOT EXISTS migration
  (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz DEFAULT now())
"""
_QUOTE = "SELECT quote_ident($1)"
_HEAD = """
INSERT INTO feed_head (partitions, seen, system_id, timeline)
SELECT $1, pg_current_snapshot(),
       (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint())
ON CONFLICT DO NOTHING
"""
_CURSOR = "INSERT INTO relay_cursor (relay) VALUES ('kafka') ON CONFLICT DO NOTHING"
_GRANTS = """
DO $$
DECLARE t text; own text := current_setting('branchline.role');
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), own);
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
    IF t = 'migration' THEN CONTINUE; END IF;
    IF t IN ('event', 'feed', 'once') THEN
      EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', t, own);
    ELSE
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', t, own);
    END IF;
  END LOOP;
END $$;
"""


class MigrationChanged(Exception):
    """A file that was applied before reads otherwise now."""


@dataclass(frozen=True)
class _File:
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


async def provision(
    settings: Settings, service: str, folder: Path | None, *, partitions: int = PARTITIONS
) -> list[str]:
    """Bring a service's part of the database to its present form; return the names of the files applied now.

    Connects as the owner. Safe to run again, and at the same time. Raises MigrationChanged.
    """
    connection = await asyncpg.connect(settings.database_url)
    try:
        schema = settings.schema(service)
        await connection.execute("SELECT pg_advisory_lock($1)", _lock_key(settings.cell))
        await _role_and_schemas(connection, settings, schema)
        await reached("migration.role-made")
        await connection.execute("SELECT set_config('search_path', $1, false)", schema)
        await connection.execute("SELECT set_config('branchline.role', $1, false)", schema)
        applied = await _apply(connection, [*_files(KERNEL, "kernel"), *_files(folder, "service")])
        await connection.execute(_HEAD, partitions)
        await connection.execute(_CURSOR)
        await connection.execute(_GRANTS)
        return applied
    finally:
        await connection.close()


def _lock_key(cell: str) -> int:
    return zlib.crc32(f"branchline migrations {cell}".encode())


async def _role_and_schemas(connection: "asyncpg.Connection[asyncpg.Record]", settings: Settings, schema: str) -> None:
    role = await connection.fetchval(_QUOTE, schema)
    password = settings.password(schema)
    # DDL takes no parameters: the name is quoted by Postgres, the password is hexadecimal
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", schema):
        await connection.execute(" ".join(["CREATE ROLE", role, "LOGIN"]))
    await connection.execute(" ".join(["ALTER ROLE", role, "PASSWORD", f"'{password}'"]))
    await connection.execute(" ".join(["CREATE SCHEMA IF NOT EXISTS", role]))
    for suffix in ("_views", "_building"):
        name = await connection.fetchval(_QUOTE, schema + suffix)
        await connection.execute(" ".join(["CREATE SCHEMA IF NOT EXISTS", name, "AUTHORIZATION", role]))


def _files(folder: Path | None, of: str) -> list[_File]:
    found = sorted(folder.glob("[0-9][0-9][0-9]_*.sql")) if folder and folder.is_dir() else []
    return [_File(f"{of}/{path.name}", path.read_text()) for path in found]


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", files: list[_File]) -> list[str]:
    await connection.execute(_BOOK)
    known = {row["name"]: row["checksum"] for row in await connection.fetch("SELECT name, checksum FROM migration")}
    applied = []
    for file in files:
        if file.name in known:
            if known[file.name] != file.checksum:
                raise MigrationChanged(
                    f"{file.name} was applied before and has changed since; write a new file instead"
                )
            continue
        await _run(connection, file)
        applied.append(file.name)
    return applied


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", file: _File) -> None:
    noted = ("INSERT INTO migration (name, checksum) VALUES ($1, $2)", file.name, file.checksum)
    if re.match(r"-- no-transaction\b", file.text):
        await connection.execute(file.text)
        await connection.execute(*noted)
        return
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '3s'")
        await connection.execute(file.text)
        await connection.execute(*noted)
        await reached("migration.step")
