"""A service's part of the database: made once, unchanged after, and nobody else's business."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from shared.migrations import KERNEL, MigrationChanged, provision
from shared.settings import Settings


async def connect(settings: Settings, service: str) -> "asyncpg.Connection[asyncpg.Record]":
    path = {"search_path": settings.schema(service)}
    return await asyncpg.connect(settings.service_url(service), server_settings=path)


async def test_a_file_is_applied_once_however_often_and_by_however_many(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "001_thing.sql").write_text("CREATE TABLE thing (id int PRIMARY KEY);")
    applied = await asyncio.gather(*(provision(settings, "pos", tmp_path) for _ in range(4)))
    assert sorted(len(files) for files in applied) == [0, 0, 0, len(list(KERNEL.glob("*.sql"))) + 1]
    assert await provision(settings, "pos", tmp_path) == []


async def test_a_file_that_was_applied_must_not_change(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "001_thing.sql"
    file.write_text("CREATE TABLE thing (id int);")
    await provision(settings, "pos", tmp_path)
    file.write_text("CREATE TABLE thing (id bigint);")
    with pytest.raises(MigrationChanged, match=r"001_thing\.sql"):
        await provision(settings, "pos", tmp_path)


async def test_a_file_that_fails_leaves_nothing_and_is_tried_again(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "001_thing.sql"
    file.write_text("CREATE TABLE thing (id int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await provision(settings, "pos", tmp_path)
    file.write_text("CREATE TABLE thing (id int);")
    assert await provision(settings, "pos", tmp_path) == ["service/001_thing.sql"]


async def test_a_service_sees_its_own_schema_only(settings: Settings) -> None:
    await provision(settings, "pos", None)
    await provision(settings, "membership", None)
    pos = await connect(settings, "pos")
    try:
        assert await pos.fetchval("SELECT count(*) FROM event") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pos.fetchval(" ".join(["SELECT count(*) FROM", settings.schema("membership") + ".event"]))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pos.execute("CREATE SCHEMA mine")
    finally:
        await pos.close()


async def test_not_even_the_owner_changes_an_event(settings: Settings) -> None:
    await provision(settings, "pos", None)
    owner = await asyncpg.connect(settings.database_url, server_settings={"search_path": settings.schema("pos")})
    try:
        with pytest.raises(asyncpg.PostgresError, match="never changed or deleted"):
            await owner.execute("DELETE FROM event")
    finally:
        await owner.close()
