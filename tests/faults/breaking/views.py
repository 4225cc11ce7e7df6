"""Views are built anew beside those that are read, killed at every step, and nobody reads too little. Seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from shared.failpoints import VARIABLE
from tests.cell import eventually
from tests.faults.fault import Fault
from tests.faults.rig import Rig

BUILT_WITHIN = 120.0
LOOKED_EVERY = 0.02
SIDE_BY_SIDE = 7.0
# what is counted while it is built, by service
COUNTED = {
    "pos": "SELECT count(*) FROM receipts",
    "membership": "SELECT count(*) FROM members",
    "projection": "SELECT count(*) FROM sale",
}
STEPS = ("view.building", "view.page-projected", "view.caught-up", "view.swapping", "view.swapped")
HEARD = {"view.page-projected": "view.heard-projected"}  # where views are filled from topics
TURNS = [(service, step) for step in STEPS for service in COUNTED]

_LIVE = "SELECT text_hash FROM view_set WHERE live"
# what waiting comes to after the newer processes have ended
_LEASES_OVER = "UPDATE view_text SET kept_until = '-infinity'"


async def rebuilt_and_killed(rig: Rig, chance: Random) -> None:
    """Deploy views of another text beside the running service, kill the new process at a step, and deploy it back."""
    turns: list[tuple[str, str]] = rig.memory.setdefault("views", [])
    if not turns:
        turns += chance.sample(TURNS, len(TURNS))
    service, step = turns.pop()
    before = await rig.asked(service, _LIVE)
    old = rig.services[service]
    starts = old.starts
    async with read_all_the_while(rig, service):
        other = rig.program(
            service, "--parts", "views", name=f"{service}-reworded", module=("tests.faults.altered", "reworded")
        )
        rig.twins[other.name] = other
        other.start(**{VARIABLE: f"{HEARD.get(step, step) if service == 'projection' else step}:kill@1"})

        async def is_built() -> bool:
            return other.starts > 1 and await rig.asked(service, _LIVE) != before

        await eventually(is_built, BUILT_WITHIN)
        await asyncio.sleep(SIDE_BY_SIDE)
        assert (old.starts, other.starts) == (starts, 2), f"{service}: old and new processes end each other"
        assert await rig.asked(service, _LIVE) != before, f"{service}: the old text took the place of the new one"
    await rig.part(other)
    await rig.asked(service, _LEASES_OVER)
    await old.again()  # back to the text of before, which is built beside in its turn


@asynccontextmanager
async def read_all_the_while(rig: Rig, service: str) -> AsyncIterator[None]:
    """Read the views over and over; raise AssertionError where they ever hold less than they held before."""
    over = asyncio.Event()
    reading = asyncio.create_task(_read(rig, service, over))
    try:
        yield
    finally:
        over.set()
        await reading


async def _read(rig: Rig, service: str, over: asyncio.Event) -> None:
    most = 0
    connection = await rig.connect(service)
    try:
        while not over.is_set():
            shown = await connection.fetchval(COUNTED[service])
            assert shown >= most, f"{service} shows {shown} while its views are built, not {most}"
            most = shown
            await asyncio.sleep(LOOKED_EVERY)
    finally:
        await connection.close()


FAULTS = (Fault("views are built anew, and killed at five steps", rebuilt_and_killed),)
