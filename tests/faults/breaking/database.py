"""Postgres that goes down without a word to anybody. Seconds."""

import asyncio
from random import Random
from signal import SIGKILL, SIGQUIT

from tests.cell import eventually
from tests.faults.fault import Fault
from tests.faults.rig import Rig

STARTED_WITHIN = 30.0


async def immediate(rig: Rig, chance: Random) -> None:
    """Let Postgres go down as `pg_ctl stop -m immediate` has it, and recover."""
    await asyncio.sleep(chance.uniform(0, 1))
    postgres = rig.servers.postgres
    starts = postgres.starts
    postgres.signal(SIGQUIT)

    async def is_started_again() -> bool:
        return postgres.starts > starts

    await eventually(is_started_again, STARTED_WITHIN)
    await rig.servers.answer()


async def backend_killed(rig: Rig, chance: Random) -> None:
    """Kill one of Postgres's processes, whichever: all others are ended, and it recovers."""
    await asyncio.sleep(chance.uniform(0, 1))
    chance.choice(rig.servers.postgres.tree()[1:]).send_signal(SIGKILL)
    await rig.servers.answer()


FAULTS = (
    Fault("Postgres goes down at once, and recovers", immediate, heals_every=4),
    Fault("a process of Postgres is killed, and all recover", backend_killed, heals_every=4),
)
