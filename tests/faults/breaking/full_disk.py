"""A full disk under Postgres: tills are told to come again, nothing acknowledged is lost, all drains after. Seconds."""

import asyncio
from random import Random

from tests.cell import eventually
from tests.faults.fault import Fault
from tests.faults.overheard import overheard
from tests.faults.rig import Rig
from tests.faults.worlds.small_disk import fill, free, small_disk

REFUSED_WITHIN = 60.0
FULL_FOR = (1.0, 5.0)


async def disk_full(rig: Rig, chance: Random) -> None:
    """Fill Postgres's disk, see that the intake says so, and give the space back."""

    with overheard(rig) as heard:

        async def is_refused() -> bool:
            fill(rig)  # what Postgres gives back by itself is taken too
            return any(answer.status == 503 for answer in heard)

        try:
            await eventually(is_refused, REFUSED_WITHIN)
            await asyncio.sleep(chance.uniform(*FULL_FOR))
        finally:
            free(rig)
    assert all(answer.retry_after for answer in heard if answer.status == 503), "a till was not told when to come again"
    await rig.servers.answer()


FAULTS = (Fault("Postgres's disk is full", disk_full, servers=small_disk),)
