"""Services that are killed, stopped and told to end: one by one, all at once, alone and beside a twin. Seconds."""

import asyncio
from random import Random
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from shared import topics
from shared.failpoints import DELAY, VARIABLE
from shared.predecessor import members_of
from tests.cell import eventually
from tests.faults.fault import Fault
from tests.faults.rig import SESSION, Rig

CONSUMING = ("loyalty-points", "membership", "notification", "projection")
# where a service lingers: what each comes to while tills sell
LINGERS = (
    *((service, "consumer.applied") for service in CONSUMING),
    *((service, "relay.acknowledged") for service in ("loyalty-points", "membership", "pos")),
    ("pos", "command.done"),
    ("pos", "intake.items-taken"),
)
LONGER_THAN_A_SESSION = float(SESSION) + 2
MEMBERS_WITHIN = 30.0
COMES_THERE_WITHIN = 60.0
LINGERING = b'"event":"a failpoint lingers"'

_GROUPS = "SELECT array_agg(DISTINCT consumer || '.' || split_part(topic, '.', 2)) FROM consumed"


async def one_killed(rig: Rig, chance: Random) -> None:
    """Kill a service."""
    await asyncio.sleep(chance.uniform(0, 0.5))
    rig.services[chance.choice(sorted(rig.services))].signal(SIGKILL)


async def all_killed(rig: Rig, chance: Random) -> None:
    """Kill all services at once."""
    await asyncio.sleep(chance.uniform(0, 0.5))
    for program in rig.services.values():
        program.signal(SIGKILL)


async def zombie(rig: Rig, chance: Random) -> None:
    """Stop a service for longer than its session, while a twin takes its partitions; then let it go on as if it led."""
    service = chance.choice(CONSUMING)
    twin = rig.twin(service)
    await _until_members(rig, service, 2)
    rig.services[service].signal(SIGSTOP)
    try:
        await asyncio.sleep(LONGER_THAN_A_SESSION)
        await _until_members(rig, service, 1)
    finally:
        rig.services[service].signal(SIGCONT)
    await asyncio.sleep(chance.uniform(0, 1))
    await rig.part(twin)


async def ended_in_a_handler(rig: Rig, chance: Random) -> None:
    """Tell a service to end while it lingers in the middle of what it does, and start it again."""
    service, place = chance.choice(LINGERS)
    program = rig.services[service]
    program.orders = iter([{VARIABLE: f"{place}:delay"}])
    before = program.log.stat().st_size
    await program.again()

    async def lingers() -> bool:
        return LINGERING in program.log.read_bytes()[before:]

    await eventually(lingers, COMES_THERE_WITHIN)
    await asyncio.sleep(chance.uniform(0, DELAY))
    await program.again(SIGTERM)


async def comes_and_goes(rig: Rig, chance: Random) -> None:
    """Let a member join a service's groups, and soon leave or die."""
    service = chance.choice(CONSUMING)
    twin = rig.twin(service, "consumers,views")
    await _until_members(rig, service, 2)
    await asyncio.sleep(chance.uniform(0, 1.0))
    twin.kept = False
    twin.signal(chance.choice((SIGTERM, SIGKILL)))
    await rig.part(twin)


async def _until_members(rig: Rig, service: str, count: int) -> None:
    """Wait until each of a service's groups has so many members, and all its partitions are given to them."""
    groups = [f"{rig.settings.cell}.{name}" for name in await rig.asked(service, _GROUPS)]
    async with topics.admin(rig.settings) as admin:

        async def are_members() -> bool:
            told = [await members_of(admin, group) for group in groups]
            return all(state == "Stable" and len(members) == count for state, members in told)

        await eventually(are_members, MEMBERS_WITHIN)


FAULTS = (
    Fault("a service is killed", one_killed, heals_every=4),
    Fault("all services are killed at once", all_killed, heals_every=4),
    Fault("a service sleeps for longer than its session, and comes back", zombie, heals_every=4),
    Fault("a service is told to end in the middle of what it does", ended_in_a_handler, heals_every=4),
    Fault("members join and leave, one after the other", comes_and_goes, heals_every=4),
)
