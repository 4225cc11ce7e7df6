"""Two minutes of `make faults`, a round each: nothing is lost, nothing counts twice, and all comes back."""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.places import CHECKOUT, LOCAL
from deploy.local.run import fetch
from tests.faults.campaign import campaign
from tests.faults.fault import Fault, every_fault
from tests.faults.rig import Rig
from tests.faults.rigged import rig
from tests.faults.table import reasons
from tests.faults.worlds.proxied import behind_proxies

QUICK = (
    "all services are killed at once",
    "a service sleeps for longer than its session, and comes back",
    "Postgres goes down at once, and recovers",
    "Kafka is killed",
    "the answer to COMMIT is lost",
)
LASTS_LONG = {  # by nature, about a minute
    "Kafka is away for a minute",
    "Kafka is frozen for longer than anybody waits",
    "Postgres is frozen for longer than anybody waits",
}
SEED = secrets.token_hex(4)
FAULTS = {fault.name: fault for fault in every_fault()}


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[Rig]:
    """Yield a rig whose servers can be cut off."""
    await asyncio.to_thread(fetch, with_page=True)
    async with rig(LOCAL / "faults" / str(os.getpid()), behind_proxies, seed=SEED) as made:
        yield made


@pytest.mark.parametrize("name", QUICK)
async def test_a_fault_loses_nothing_and_doubles_nothing(system: Rig, name: str) -> None:
    row = await campaign(system, FAULTS[name], SEED, rounds=1)
    if not row.is_green:
        await system.new_cell()  # the next shall not suffer from it
    assert row.is_green, f"seed {SEED}: " + "\n".join(reasons(row))
    assert row.acknowledged > 0


def test_every_fault_is_struck_often_enough_in_make_faults() -> None:
    assert {name for name, fault in FAULTS.items() if fault.rounds < 20} == LASTS_LONG
    assert {FAULTS[name].rounds for name in LASTS_LONG} == {3}


def test_every_fault_shows_a_promise_and_nothing_else_is_named_as_shown_by_one() -> None:
    promises = Path(__file__).with_name("PROMISES.md").read_text().partition("## Not")[0].splitlines()
    shown_by = [line.split("|")[3] for line in promises if line.startswith("| ")][1:]
    named = {name.partition(" (")[0].strip() for cell in shown_by for name in cell.split(";")}
    assert {name for name in named if not name.startswith("`")} == set(FAULTS)


def test_tests_that_are_named_in_the_promises_are_there() -> None:
    promises = Path(__file__).with_name("PROMISES.md").read_text()
    assert not [name for name in re.findall(r"`(tests/[^`]*[.]py)`", promises) if not (CHECKOUT / name).exists()]


def test_names_of_faults_are_their_own() -> None:
    named: list[Fault] = every_fault()
    assert len({fault.name for fault in named}) == len(named)
