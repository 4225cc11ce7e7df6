"""Of the faults themselves: each look that they take has a planted case that it must not pass over."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from typing import cast
from uuid import UUID

import pytest

from deploy.local.places import CHECKOUT
from deploy.local.processes import Child
from shared.service import Hearing, Service
from tests.cell import eventually
from tests.faults.altered import MOST_BROKEN, ONE_IN, poisoned
from tests.faults.breaking.frozen import frozen
from tests.faults.breaking.views import read_all_the_while
from tests.faults.checkers.quiet import BUGS
from tests.faults.forks import Forked
from tests.faults.programs import Program
from tests.faults.rig import Rig
from tests.shared.toy import Added, at

COUNTING = "import sys, time\nwhile True:\n    print('on', flush=True)\n    time.sleep(0.02)\n"


@dataclass
class Shop:
    """A rig, and a connection of it, whose views have these counts, the last for ever."""

    shown: list[int]
    times: int = 0
    is_left: bool = False

    async def connect(self, _service: str) -> "Shop":
        return self

    async def fetchval(self, _query: str) -> int:
        self.times += 1
        return self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]

    async def close(self) -> None:
        self.is_left = True


async def look(shown: list[int]) -> None:
    """Read while so much is shown, one after the other."""
    shop = Shop(shown)

    async def is_read() -> bool:
        return shop.times >= 2

    async with read_all_the_while(cast(Rig, shop), "projection"):
        await eventually(is_read)
    assert shop.is_left


async def test_a_view_that_grows_while_it_is_built_anew_is_well() -> None:
    await look([5, 5, 7, 8])


async def test_a_view_that_is_empty_for_a_moment_is_seen() -> None:
    with pytest.raises(AssertionError, match="shows 0"):
        await look([5, 0, 7])


async def test_a_frozen_program_stands_still_until_it_is_thawed(tmp_path: Path) -> None:
    program = Program(Child("counting", [sys.executable, "-c", COUNTING], {}, tmp_path / "counting.log", tmp_path))

    async def has_written() -> bool:
        return program.log.exists() and program.log.stat().st_size > written

    written = 0
    program.start()
    try:
        await eventually(has_written)
        async with frozen(program):
            written = program.log.stat().st_size
            with pytest.raises(TimeoutError):
                await eventually(has_written, within=0.5)
        await eventually(has_written)
    finally:
        await program.down()


def test_the_words_by_which_a_bug_is_known_in_a_log_are_those_that_the_code_logs() -> None:
    code = "".join(path.read_text() for root in ("shared", "services") for path in (CHECKOUT / root).rglob("*.py"))
    assert not [word for word in BUGS if f'"{word}"' not in code]


def test_a_poisoned_handler_raises_at_few_events_and_at_those_each_time() -> None:
    (hearing,) = poisoned(Service("a", hears=(Hearing("b", (Added,), lambda _: []),))).hears
    told = [Added(at=at(0), counter_id=UUID(int=number), amount=1) for number in range(20 * ONE_IN)]

    def broken() -> set[UUID]:
        found = set()
        for event in told:
            try:
                hearing.react(event)
            except RuntimeError:
                found.add(event.counter_id)
        return found

    first = broken()
    assert len(first) == MOST_BROKEN
    assert broken() == first


def test_a_signal_to_a_fork_that_has_ended_and_was_not_told_of_yet_is_no_error() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    forked = Forked(ended.pid)
    assert forked.poll() is None
    forked.send_signal(SIGTERM)
