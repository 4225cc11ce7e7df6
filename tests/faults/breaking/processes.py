"""Services that are killed, stopped and told to end: one by one, all at once, alone and beside a twin. Seconds."""

import asyncio
from random import Random
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from shared.failpoints import VARIABLE
from tests.faults.fault import Fault
from tests.faults.rig import SESSION, Rig

HANDLERS = ("consumer.applied", "command.done", "relay.acknowledged", "delivery.provider-answered")
CONSUMING = ("loyalty-points", "membership", "notification", "projection")
LONGER_THAN_A_SESSION = float(SESSION) + 2


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
    await _joined(rig, service)
    rig.services[service].signal(SIGSTOP)
    try:
        await asyncio.sleep(LONGER_THAN_A_SESSION)
    finally:
        rig.services[service].signal(SIGCONT)
    await asyncio.sleep(chance.uniform(0, 1))
    await rig.part(twin)


async def ended_in_a_handler(rig: Rig, chance: Random) -> None:
    """Tell a service to end while it lingers in the middle of what it does, and start it again."""
    place = chance.choice(HANDLERS)
    program = rig.services[chance.choice(sorted(rig.services))]
    program.orders = iter([{VARIABLE: f"{place}:delay"}])
    await program.again()
    await asyncio.sleep(chance.uniform(1.5, 3.5))
    await program.again(SIGTERM)


async def comes_and_goes(rig: Rig, chance: Random) -> None:
    """Let a member join a service's groups for about a second, and leave or die."""
    twin = rig.twin(chance.choice(CONSUMING), "consumers,views")
    await asyncio.sleep(chance.uniform(1.0, 2.5))
    twin.kept = False
    twin.signal(chance.choice((SIGTERM, SIGKILL)))
    await rig.part(twin)


async def _joined(rig: Rig, service: str) -> None:
    """Wait a moment in which a twin gets its partitions."""
    await rig.caught_up()
    await asyncio.sleep(1.0)


FAULTS = (
    Fault("a service is killed", one_killed, heals_every=4),
    Fault("all services are killed at once", all_killed, heals_every=4),
    Fault("a service sleeps for longer than its session, and comes back", zombie, heals_every=4),
    Fault("a service is told to end in the middle of a transaction", ended_in_a_handler, heals_every=4),
    Fault("members join and leave, about one a second", comes_and_goes, heals_every=4),
)
