"""A service's tables change while it is busy: a file that fails leaves nothing, and old processes go on. Seconds."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from shutil import copytree

import asyncpg

from branchline import catalogue
from shared.migrations import provision
from tests.faults.fault import Fault
from tests.faults.rig import Rig

# the busiest of each service's own tables
BUSY = {"pos": "till_item", "membership": "spend", "loyalty-points": "receipt"}
FIRST_NUMBER = 900
TRIES = 20
LOCKED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

_COLUMNS = """
SELECT count(*) FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attname = 'noted' AND NOT attisdropped
"""
EXPAND = (
    "ALTER TABLE {table} ADD COLUMN noted text DEFAULT 'before';\nUPDATE {table} SET noted = 'since' WHERE true;",
    "-- no-transaction\nCREATE INDEX CONCURRENTLY {table}_noted ON {table} (noted)",
)
FAILING = "ALTER TABLE {table} RENAME TO gone;\nDROP TABLE gone CASCADE;\nSELECT 1 / 0;"
CONTRACT = ("-- no-transaction\nDROP INDEX CONCURRENTLY {table}_noted", "ALTER TABLE {table} DROP COLUMN noted;")


async def migrated(rig: Rig, chance: Random) -> None:
    """Change a busy table beside processes that know its old form, fail on the way, and change it back."""
    service = chance.choice(sorted(BUSY))
    twin = rig.twin(service)  # two processes have prepared their statements for the old form
    await asyncio.sleep(chance.uniform(0, 1))
    await _apply(rig, service, EXPAND)
    assert await rig.asked(service, _COLUMNS, BUSY[service]) == 1
    await rig.services[service].again()  # the new deploy, while the twin is still the old one
    try:
        await _apply(rig, service, (FAILING,))
    except asyncpg.DivisionByZeroError:
        _take_back(rig, service)
    else:
        raise AssertionError("a file that fails was applied")
    assert await rig.asked(service, _COLUMNS, BUSY[service]) == 1, "a file that failed has left something"
    await asyncio.sleep(chance.uniform(0, 1))
    await _apply(rig, service, CONTRACT)
    assert await rig.asked(service, _COLUMNS, BUSY[service]) == 0
    await rig.part(twin)


async def _apply(rig: Rig, service: str, texts: Sequence[str]) -> None:
    """Add files to the service's migrations, and apply them; again where a busy table could not be locked in time."""
    folder = _folder(rig, service)
    for text in texts:
        number = FIRST_NUMBER + len(list(folder.glob("9*.sql")))
        (folder / f"{number}_by_a_fault.sql").write_text(text.replace("{table}", BUSY[service]))
    for _ in range(TRIES):
        try:
            await provision(rig.settings, service, folder)
            return
        except LOCKED:
            await asyncio.sleep(0.1)
    raise AssertionError(f"{service}: {BUSY[service]} was never free for a change")


def _take_back(rig: Rig, service: str) -> None:
    """Remove the file that was written last: it was never applied."""
    max(_folder(rig, service).glob("9*.sql")).unlink()


def _folder(rig: Rig, service: str) -> Path:
    folder = rig.settings.keys.with_name(f"{service}.migrations")
    if not folder.exists():
        copytree(catalogue.migrations(service), folder)
    return folder


FAULTS = (Fault("a busy table changes its form, and changes back", migrated),)
