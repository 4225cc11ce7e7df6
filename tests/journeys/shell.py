"""The command `branchline` as people run it: a process of its own, with the cell's settings. Waits are seconds."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from dataclasses import dataclass

from deploy.local.places import CHECKOUT
from shared.settings import Settings
from tests.cell import environment

PATIENCE = 240.0


@dataclass(frozen=True)
class Said:
    """How the command ended, and all that it printed."""

    status: int
    text: str


async def begin(settings: Settings, *words: str, **more: str) -> Process:
    """Start the command; `more` is added to its environment."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "branchline",
        *words,
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, **environment(settings), **more},
        cwd=CHECKOUT,
    )


async def end(command: Process, patience: float = PATIENCE) -> Said:
    """Wait for a command that was started; one that takes too long is killed."""
    try:
        told, _ = await asyncio.wait_for(command.communicate(), patience)
    except TimeoutError:
        command.kill()
        told, _ = await command.communicate()
        raise AssertionError(f"not done within {patience:g} s: {told.decode()}") from None
    return Said(command.returncode or 0, told.decode())


async def branchline(settings: Settings, *words: str) -> Said:
    """Run the command to its end."""
    return await end(await begin(settings, *words))
