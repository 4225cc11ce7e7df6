"""Each planted bug turns the checker of its layer red, and no other: books are only compared when all else is right."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import pytest

from branchline.office import Refused
from deploy.local.places import LOCAL
from deploy.local.run import fetch
from shared.failpoints import VARIABLE
from tests.cell import eventually
from tests.faults.checkers import CHECKERS, Evidence, look
from tests.faults.planted.bugs import BUGS
from tests.faults.provoking import forgotten
from tests.faults.rig import Rig
from tests.faults.rigged import rig

BY_SEQ = Path(__file__).parents[1] / "shared" / "planted.sql"
UNCHECKED = ("AND stream.version = s.expected", "")
NUMBERS_BY_SEQ = "numbers-by-seq"  # planted in the database by its strike, not in a process
FORWARDS = "OVER (ORDER BY seq"

ENOUGH = 50  # events

_APPEND = "SELECT pg_get_functiondef('append_events'::regproc)"
_VERSIONS_MAY_REPEAT = "ALTER TABLE event DROP CONSTRAINT event_stream_id_version_key"
_SENT = "SELECT c.number >= h.number - 5 FROM relay_cursor c, feed_head h"
_TAKEN = "SELECT count(*) FROM event"
_PASSED_OVER = """
SELECT count(*) FROM event LEFT JOIN feed USING (seq) WHERE number IS NULL AND seq < (SELECT max(seq) FROM feed)
"""
_NUMBER = "SELECT pg_get_functiondef('number_events'::regproc)"
_BACKWARDS = """
SELECT count(*) FROM (
  SELECT e.version, lag(e.version) OVER (PARTITION BY e.stream_id ORDER BY f.number) AS before
  FROM feed f JOIN event e USING (seq)
) AS f WHERE version < before
"""
_EARNED = "SELECT coalesce(sum((data ->> 'points')::bigint), 0) FROM event WHERE type = 'PointsEarned'"
_SHOWN = "SELECT coalesce(sum(earned), 0) FROM customer"
_NUMBERS_BY_SEQ = "DROP FUNCTION number_events(); ALTER FUNCTION by_seq RENAME TO number_events"


@dataclass(frozen=True)
class Planted:
    """A bug, the service that has it, what makes it show while tills sell, and the checker that must see it."""

    bug: str
    service: str
    checker: str
    strike: Callable[[Rig, str], Awaitable[None]]


async def shows_too_much(rig: Rig, service: str) -> None:
    """Kill the service while it hears, until it shows more points than have been earned."""
    shown, earned = 0, 0
    while shown <= earned:
        await works_on(rig, service)
        rig.services[service].signal(SIGKILL)
        await rig.ready()
        await rig.caught_up()
        shown, earned = await rig.asked(service, _SHOWN), await rig.asked("loyalty-points", _EARNED)


def at(place: str, *times: int) -> Callable[[Rig, str], Awaitable[None]]:
    """Return the strike that kills the service when it comes to a failpoint so many times, again and again."""

    async def strike(rig: Rig, service: str) -> None:
        program = rig.services[service]
        program.orders = iter([{VARIABLE: f"{place}:kill@{time}"} for time in times])
        await program.again()
        killed_each_time = program.starts + len(times)
        async with asyncio.timeout(90):
            while program.starts < killed_each_time:
                await asyncio.sleep(0.1)

    return strike


async def misses_a_part(rig: Rig, service: str) -> None:
    """Let the service be away while Kafka drops what is said meanwhile."""
    await works_on(rig, service)
    await rig.services[service].down()
    await works_on(rig, service)
    await eventually(lambda: rig.asked("pos", _SENT))
    await forgotten(rig, "pos")
    await rig.services[service].up()
    await works_on(rig, service)


async def works_on(rig: Rig, _: str) -> None:
    """Let the tills sell until so much more has been taken."""
    before = await rig.asked("pos", _TAKEN)

    async def is_enough() -> bool:
        return bool(await rig.asked("pos", _TAKEN) >= before + ENOUGH)

    await eventually(is_enough)


async def publishes_at_once(rig: Rig, service: str) -> None:
    """Publish many policies at the same moment, without a look at versions."""
    connection = await rig.connect(service)
    right = await connection.fetchval(_APPEND)
    assert UNCHECKED[0] in right
    await connection.execute(right.replace(*UNCHECKED))
    await connection.execute(_VERSIONS_MAY_REPEAT)
    await connection.close()
    policy = await rig.office.ask(service, "GET", "/v1/policy")
    terms = policy["versions"][-1]["terms"] if policy["versions"] else policy["preset"]
    bodies = [{"terms": terms | {"join_minimum_minor": 100_00 + cents}} for cents in range(16)]
    publishing = (rig.office.ask(service, "PUT", "/v1/policy", body) for body in bodies)
    for refused in await asyncio.gather(*publishing, return_exceptions=True):
        assert isinstance(refused, dict | Refused), refused


async def numbers_by_seq(rig: Rig, service: str) -> None:
    """Number events up to the highest `seq` that is seen, while a transaction stays open, until one is passed over."""
    connection = await rig.connect(service)
    await connection.execute(BY_SEQ.read_text())
    await connection.execute(_NUMBERS_BY_SEQ)
    await connection.close()
    while not await rig.asked(service, _PASSED_OVER):
        rig.services[service].orders = iter([{VARIABLE: "command.done:delay@3"}])
        await rig.services[service].again()
        await rig.ready()
        await works_on(rig, service)


async def numbers_backwards(rig: Rig, service: str) -> None:
    """Number the events of a page from the last to the first, until a stream has two in one page."""
    connection = await rig.connect(service)
    right = await connection.fetchval(_NUMBER)
    assert FORWARDS in right
    await connection.execute(right.replace(FORWARDS, f"{FORWARDS} DESC"))
    await connection.close()
    while not await rig.asked(service, _BACKWARDS):
        await works_on(rig, service)


PLANTED = (
    Planted("answers-before-the-commit", "pos", "acknowledged", at("command.done", 5, 5, 5)),
    Planted("does-not-wait-for-its-turn", "membership", "streams", publishes_at_once),
    Planted("keeps-the-first-state", "pos", "states", works_on),
    Planted(NUMBERS_BY_SEQ, "pos", "feed", numbers_by_seq),
    Planted("numbers-backwards", "membership", "feed", numbers_backwards),
    Planted("moves-the-cursor-before-the-acknowledgements", "pos", "topics", at("relay.cursor-moved", 3)),
    Planted("swallows-what-a-handler-raises", "loyalty-points", "effects", works_on),
    Planted("looks-at-no-predecessor", "loyalty-points", "effects", misses_a_part),
    Planted("gives-a-point-too-much", "loyalty-points", "ledgers", works_on),
    Planted("sends-again-what-has-no-outcome", "notification", "messages", at("delivery.provider-answered", 2)),
    Planted("moves-the-fence-in-another-transaction", "projection", "views", shows_too_much),
    Planted("never-rests", "notification", "quiet", works_on),
    Planted("shows-receipts-twice", "projection", "books", works_on),
)


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[Rig]:
    """Yield a rig."""
    await asyncio.to_thread(fetch, with_page=True)
    async with rig(LOCAL / "faults" / str(os.getpid()), seed="planted") as made:
        yield made


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.bug)
async def test_a_planted_bug_turns_its_checker_red_and_no_other(system: Rig, planted: Planted) -> None:
    system.planted = {planted.service: planted.bug} if planted.bug in BUGS else {}
    await system.new_cell()
    await system.tills.sell(15.0)
    await planted.strike(system, planted.service)
    await system.ready()
    await system.caught_up()
    await system.tills.close()
    await system.settled()
    found = await look(Evidence(system))
    red = {name: list(findings.shown()) for name, findings in found.items() if findings.lines}
    assert red.keys() == {planted.checker}, red


def test_every_checker_has_a_planted_bug() -> None:
    assert {planted.checker for planted in PLANTED} == set(CHECKERS)
