"""A Postgres whose data lies on a small file system of its own, which can be filled to the last byte. Bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.faults.rig import Rig
from tests.faults.servers import CannotBuild, Servers, broker_program, postgres_program, started

SIZE = 512 * 1024 * 1024
PIECE = 1024 * 1024
# else what is written ahead would fill it by itself
WRITTEN_AHEAD = ("--max_wal_size=96MB", "--min_wal_size=32MB")


@asynccontextmanager
async def small_disk(home: Path) -> AsyncIterator[Servers]:
    """Give the servers, Postgres with a disk of SIZE."""
    folder = home / "postgres"
    folder.mkdir(parents=True)
    async with _mounted(folder):
        database = postgres_program(home, folder, *WRITTEN_AHEAD)
        broker, place = broker_program(home, home / "kafka")
        url = database.url
        servers = Servers(url, place, url, place, database.program, [broker], folder, [home / "kafka"])
        async with started(servers):
            yield servers


def fill(rig: Rig) -> int:
    """Leave nothing free on the disk; return how much there was."""
    taken = 0
    with _ballast(rig).open("ab", buffering=0) as file:
        for size in (PIECE, 4096, 1):
            with suppress(OSError):  # there is no space left on the device
                while True:
                    taken += file.write(bytes(size))
    return taken


def free(rig: Rig) -> None:
    """Give back what was filled."""
    _ballast(rig).unlink(missing_ok=True)


def _ballast(rig: Rig) -> Path:
    return rig.servers.postgres_home / "ballast"


@asynccontextmanager
async def _mounted(folder: Path) -> AsyncIterator[None]:
    wrong = await _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(folder))
    if wrong:
        raise CannotBuild(
            f"a small disk cannot be mounted here (root may), so that a full one cannot be shown: {wrong}"
        )
    try:
        yield
    finally:
        await _run("umount", "--lazy", str(folder))


async def _run(*command: str) -> str:
    """Return what a command that failed said; nothing when it did not fail."""
    running = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await running.communicate()
    return said.decode().strip() if running.returncode else ""
