"""Three brokers, one killed at a time: what two of them have is not lost, and nobody waits for the third. Seconds."""

import asyncio
from random import Random
from signal import SIGKILL

from tests.faults.fault import Fault
from tests.faults.looking import more_is_told
from tests.faults.rig import Rig
from tests.faults.worlds.three_brokers import three_brokers, whole

AWAY = (0.5, 3.0)
TOLD_WITHIN = 30.0


async def one_broker_killed(rig: Rig, chance: Random) -> None:
    """Kill one of three brokers, see that sales are told to others without it, and wait until it has all again."""
    broker = chance.choice(rig.servers.brokers)
    await broker.down(SIGKILL)
    await more_is_told(rig, "pos", TOLD_WITHIN)
    await asyncio.sleep(chance.uniform(*AWAY))
    await broker.up()
    await whole(rig.servers)


FAULTS = (Fault("one of three brokers is killed", one_broker_killed, servers=three_brokers),)
