"""A process that was killed holds up nothing once another has its place: what it heard is heard at once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from shared import topics
from shared.message import Issued
from shared.migrations import provision
from shared.parts import serving
from shared.performing import perform
from shared.predecessor import member, members_of
from shared.running import Running
from shared.service import Hearing, Service
from shared.settings import Settings
from tests.shared.member_process import SESSION
from tests.shared.pair import CAUSE, DEADLINE, LISTENER, PARTITIONS, eventually
from tests.shared.toy import COUNTER, NAME, TOY, Add, Added, at

_ALL_COUNTED = "SELECT count(*) = cardinality($1::uuid[]) FROM stream WHERE id = ANY($1)"
ANOTHER = "another"
REACTOR = Service(
    LISTENER,
    aggregates=(COUNTER,),
    hears=(Hearing(NAME, (Added,), lambda e: [Add(at=e.at, counter_id=e.counter_id, amount=e.amount)]),),
)


@asynccontextmanager
async def speaking(settings: Settings) -> AsyncIterator[Running]:
    """Yield a speaker at work, whom the reactor may hear."""
    for name in (NAME, LISTENER):
        await provision(settings, name, None, partitions=PARTITIONS)
    async with serving(TOY, settings, parts=("sequencer", "relay", "http")) as speaker:
        yield speaker


@asynccontextmanager
async def member_of(settings: Settings, name: str, hears: str = NAME) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a process that hears the speaker under a name, in the reactor's group for it or for another speaker."""
    words = (settings.kafka, settings.topic(NAME), group_of(settings, hears), name)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.member_process", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        assert await process.stdout.readline() == b"joined\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def group_of(settings: Settings, hears: str) -> str:
    """Return the reactor's group for a speaker."""
    return f"{settings.cell}.{LISTENER}.{hears}"


async def members(settings: Settings, hears: str = NAME) -> dict[str, str]:
    """Return who is in the reactor's group, and the id that each got when it joined."""
    async with topics.admin(settings) as admin:
        _state, found = await members_of(admin, group_of(settings, hears))
    return {name: joined_as for joined_as, name in found.items()}


async def hears(speaker: Running, reactor: Running) -> None:
    """Let the speaker say something to everyone's partition, and wait until the reactor has acted on all of it."""
    counters = [uuid4() for _ in range(4 * PARTITIONS)]
    await perform(speaker, [Issued(Add(counter_id=one, amount=1, at=at(0)), CAUSE) for one in counters])

    async def has_counted() -> bool:
        return bool(await reactor.pool.fetchval(_ALL_COUNTED, counters))

    await eventually(has_counted)


async def test_who_was_killed_is_let_go_of_by_the_next_at_its_place(settings: Settings) -> None:
    async with speaking(settings) as speaker:
        name = member(LISTENER, settings)
        async with member_of(settings, name) as killed, member_of(settings, name, ANOTHER) as too:
            killed.kill()
            too.kill()
        assert SESSION > 2 * DEADLINE * 1000
        async with serving(REACTOR, settings, start_from="beginning") as reactor:
            await hears(speaker, reactor)  # perhaps from the speaker's feed, which has what was said before it began
            await hears(speaker, reactor)
            assert not await members(settings, ANOTHER)


async def test_who_is_at_another_place_stays(settings: Settings) -> None:
    elsewhere = member(LISTENER, settings).replace("@", "@elsewhere.")
    async with speaking(settings), member_of(settings, elsewhere):
        before = await members(settings)
        async with serving(REACTOR, settings, start_from="beginning") as reactor:

            async def are_both_there() -> bool:
                return set(await members(settings)) == {elsewhere, reactor.member}

            await eventually(are_both_there)
            assert (await members(settings))[elsewhere] == before[elsewhere]
