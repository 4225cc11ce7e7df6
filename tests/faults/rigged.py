"""A rig that is set up on servers of its own, kept at work, and taken away again, with whatever a dead one has left."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from deploy.local import processes
from tests.faults.programs import Program, keep
from tests.faults.rig import Rig
from tests.faults.servers import Builder, one_broker
from tests.ports import held_base


@asynccontextmanager
async def rig(home: Path, build: Builder = one_broker, *, seed: str) -> AsyncIterator[Rig]:
    """Give a rig with a first cell at work; nothing of it stays."""
    await asyncio.to_thread(_clear, home)
    try:
        with held_base() as ports:
            async with build(home) as servers:
                made = Rig(home, servers, ports, seed)
                async with _kept(made.programs):
                    try:
                        await made.new_cell()
                        yield made
                    finally:
                        await made.close()
    finally:
        processes.end(processes.marked(home), patience=1)


@asynccontextmanager
async def _kept(programs: Callable[[], list[Program]]) -> AsyncIterator[None]:
    keeping = asyncio.create_task(keep(programs))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


def _clear(home: Path) -> None:
    """Make an empty folder, and end what an earlier rig left of it and of others whose driver has died.

    A folder's name begins with its driver's process id.
    """
    others = ((int(found.name.partition("-")[0]), found) for found in home.parent.glob("[0-9]*"))
    for folder in [home, *(found for driver, found in others if not psutil.pid_exists(driver))]:
        processes.end(processes.marked(folder), patience=1)
        shutil.rmtree(folder, ignore_errors=True)
    home.mkdir(parents=True)
