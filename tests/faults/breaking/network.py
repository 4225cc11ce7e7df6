"""What a network does between the services and their servers: it cuts, loses, slows, and swallows the answer to COMMIT.

Seconds.
"""

import asyncio
import re
from random import Random

from tests.faults.fault import Fault
from tests.faults.proxy import Doubt
from tests.faults.rig import Rig
from tests.faults.worlds.proxied import behind_proxies, proxy

COMMIT = re.compile(rb"\s*COMMIT\b", re.IGNORECASE)
# what commits: COMMIT itself, and the kernel's calls in autocommit
COMMITS = re.compile(
    rb"\s*(?:COMMIT|END|SELECT append_events|SELECT number_events|UPDATE relay_cursor)\b", re.IGNORECASE
)
MOST_TRAPS = 6
SPRUNG_WITHIN = 20.0
CONNECTED_WITHIN, CONNECTED_LOOK = 10.0, 0.01
HOLE = 5.0
ASKED_AGAIN_WITHIN = 30.0  # three times as long as ours wait for an answer; a client left to itself waits for forty
SLOW, SLOW_FOR = 0.025, 3.0


async def answers_to_commit_lost(rig: Rig, chance: Random) -> None:
    """Cut connections between their COMMIT and its answer; some COMMITs have arrived, some have not."""
    traps = []
    for number in range(chance.randint(1, MOST_TRAPS)):
        commits = (COMMIT, COMMITS)[number % 2]
        traps.append(proxy(rig, "postgres").trap(chance.choice(list(Doubt)), commits))
        await asyncio.sleep(chance.uniform(0, 0.2))
    async with asyncio.timeout(SPRUNG_WITHIN):
        for trap in traps:
            await trap.sprung.wait()


async def postgres_cut(rig: Rig, chance: Random) -> None:
    """Reset every connection to Postgres, a few times."""
    await _cut(rig, chance, "postgres")


async def kafka_cut(rig: Rig, chance: Random) -> None:
    """Reset every connection to Kafka, a few times."""
    await _cut(rig, chance, "kafka")


async def _cut(rig: Rig, chance: Random, server: str) -> None:
    for _ in range(chance.randint(1, 3)):
        await asyncio.sleep(chance.uniform(0, 0.5))
        async with asyncio.timeout(CONNECTED_WITHIN):
            while not proxy(rig, server).cut():  # so soon after the cut before it, nobody may be connected yet
                await asyncio.sleep(CONNECTED_LOOK)


async def postgres_in_a_hole(rig: Rig, _: Random) -> None:
    """Lose every byte to and from Postgres for a while; who has asked something then is never answered."""
    await _lose(rig, "postgres")


async def kafka_in_a_hole(rig: Rig, _: Random) -> None:
    """Lose every byte to and from Kafka for a while."""
    await _lose(rig, "kafka")


async def _lose(rig: Rig, server: str) -> None:
    proxy(rig, server).is_hole = True
    try:
        await asyncio.sleep(HOLE)
    finally:
        proxy(rig, server).is_hole = False


async def everything_slow(rig: Rig, chance: Random) -> None:
    """Let every byte take its time, and the delay change."""
    for server in ("postgres", "kafka"):
        proxy(rig, server).delay = chance.uniform(0, SLOW)
    try:
        await asyncio.sleep(SLOW_FOR)
    finally:
        for server in ("postgres", "kafka"):
            proxy(rig, server).delay = 0.0


FAULTS = (
    Fault("the answer to COMMIT is lost", answers_to_commit_lost, servers=behind_proxies),
    Fault("connections to Postgres are cut", postgres_cut, servers=behind_proxies),
    Fault("connections to Kafka are cut", kafka_cut, servers=behind_proxies),
    Fault("Postgres is in a black hole", postgres_in_a_hole, servers=behind_proxies),
    Fault("Kafka is in a black hole", kafka_in_a_hole, servers=behind_proxies, heals_within=ASKED_AGAIN_WITHIN),
    Fault("the network is slow", everything_slow, heals_every=4, servers=behind_proxies),
)
