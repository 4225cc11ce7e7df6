"""Frozen servers: they hold every connection, and answer nothing. Services wait, say so, and go on. Seconds."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random
from signal import SIGCONT, SIGSTOP

import httpx2
import psutil

from shared.postgres import ANSWERS_WITHIN
from shared.topics import ANSWERS_WITHIN as KAFKA_ANSWERS_WITHIN
from tests.faults.fault import Fault
from tests.faults.overheard import overheard
from tests.faults.programs import Program
from tests.faults.rig import Rig

SHORT = (0.5, 5.0)  # a Kafka session of the rig lasts 1.5
PAST_POSTGRES = 2 * ANSWERS_WITHIN + 6.0  # until an answer is given up, and then its cancellation too
PAST_KAFKA = 2 * KAFKA_ANSWERS_WITHIN + 6.0
TOLD_WITHIN = 5.0
LOOKED_AT = 3.0
MOST_BUSY = 0.35  # of one processor, all services together, while the tills go on trying


async def postgres_a_moment(rig: Rig, chance: Random) -> None:
    """Freeze Postgres for a moment."""
    async with frozen(rig.servers.postgres):
        await asyncio.sleep(chance.uniform(*SHORT))


async def kafka_a_moment(rig: Rig, chance: Random) -> None:
    """Freeze Kafka for a moment, which may be longer than a session."""
    async with frozen(*rig.servers.brokers):
        await asyncio.sleep(chance.uniform(*SHORT))


async def postgres_for_long(rig: Rig, _: Random) -> None:
    """Freeze Postgres for longer than anybody waits for it: every service says so, and none is busy with waiting."""
    async with frozen(rig.servers.postgres):
        await asyncio.sleep(PAST_POSTGRES - TOLD_WITHIN - LOOKED_AT)
        await _all_say(rig, ["postgres"])
        await _are_idle(rig)
        await asyncio.sleep(TOLD_WITHIN)


async def kafka_for_long(rig: Rig, _: Random) -> None:
    """Freeze Kafka for longer than anybody waits for it: tills are answered all the same, and nobody is busy."""
    async with frozen(*rig.servers.brokers):
        await asyncio.sleep(PAST_KAFKA - 2 * LOOKED_AT)
        with overheard(rig) as heard:
            await asyncio.sleep(LOOKED_AT)
        assert 200 in {answer.status for answer in heard}, f"while Kafka is frozen tills hear {heard[-5:]}"
        await _all_say(rig, [])
        await _are_idle(rig)


@asynccontextmanager
async def frozen(*programs: Program) -> AsyncIterator[None]:
    """Freeze whole programs while the block lasts; what they start while it is done is frozen too."""
    stopped: dict[int, psutil.Process] = {}
    try:
        while new := [p for program in programs for p in program.tree() if p.pid not in stopped]:
            _tell(new, SIGSTOP)
            stopped |= {process.pid: process for process in new}
        yield
    finally:
        _tell(stopped.values(), SIGCONT)


def _tell(processes: Iterable[psutil.Process], number: int) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


async def _all_say(rig: Rig, missing: list[str]) -> None:
    """Look whether each service says at once what it misses."""
    async with httpx2.AsyncClient(trust_env=False, timeout=TOLD_WITHIN) as client:
        for name in rig.services:
            told = (await client.get(f"{rig.settings.address(name)}/health/ready")).json()
            assert told.get("missing", []) == missing, f"{name} says {told}"


async def _are_idle(rig: Rig) -> None:
    """Look whether the services use next to no processor, whatever they wait for."""
    processes = [psutil.Process(program.pid) for program in rig.services.values() if program.pid]
    before = sum(sum(process.cpu_times()[:2]) for process in processes)
    await asyncio.sleep(LOOKED_AT)
    used = (sum(sum(process.cpu_times()[:2]) for process in processes) - before) / LOOKED_AT
    assert used < MOST_BUSY, f"the services use {used:.2f} of a processor, waiting"


FAULTS = (
    Fault("Postgres is frozen for a moment", postgres_a_moment),
    Fault("Kafka is frozen for a moment", kafka_a_moment),
    Fault("Postgres is frozen for longer than anybody waits", postgres_for_long, rounds=3),
    Fault("Kafka is frozen for longer than anybody waits", kafka_for_long, rounds=3),
)
