"""Views are built anew beside those that are read, killed at every step, and nobody reads too little. Seconds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from shared.failpoints import VARIABLE
from tests.cell import eventually
from tests.faults.fault import Fault
from tests.faults.rig import Rig

BUILT_WITHIN = 120.0
LOOKED_EVERY = 0.02
# what is read while it is built, by service: the route, and what its answer holds
READ = {
    "pos": ("/v1/receipts?limit=500", "receipts"),
    "membership": ("/v1/members?limit=500", "members"),
    "projection": ("/v1/chain/summary", "receipts"),
}
STEPS = ("view.building", "view.page-projected", "view.caught-up", "view.swapping", "view.swapped")
HEARD = {"view.page-projected": "view.heard-projected"}  # where views are filled from topics
TURNS = [(service, step) for step in STEPS for service in READ]

_LIVE = "SELECT text_hash FROM view_set WHERE live"


async def rebuilt_and_killed(rig: Rig, chance: Random) -> None:
    """Deploy views of another text beside the running service, kill the new process at a step, and deploy it back."""
    turns: list[tuple[str, str]] = rig.memory.setdefault("views", [])
    if not turns:
        turns += chance.sample(TURNS, len(TURNS))
    service, step = turns.pop()
    before = await rig.asked(service, _LIVE)
    async with read_all_the_while(rig, service):
        other = rig.program(
            service, "--parts", "views", name=f"{service}-reworded", module=("tests.faults.altered", "reworded")
        )
        rig.twins[other.name] = other
        other.start(**{VARIABLE: f"{HEARD.get(step, step) if service == 'projection' else step}:kill@1"})

        async def is_built() -> bool:
            return other.starts > 1 and await rig.asked(service, _LIVE) != before

        await eventually(is_built, BUILT_WITHIN)
    await rig.part(other)
    await rig.services[service].again()  # back to the text of before, which is built beside in its turn


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
    path, of = READ[service]
    most = 0
    while not over.is_set():
        told: Mapping[str, Any] = await rig.office.ask(service, "GET", path)
        shown = told[of] if isinstance(told[of], int) else len(told[of])
        assert shown >= most, f"{service} shows {shown} {of} while its views are built, not {most}"
        most = shown
        await asyncio.sleep(LOOKED_EVERY)


FAULTS = (Fault("views are built anew, and killed at five steps", rebuilt_and_killed),)
