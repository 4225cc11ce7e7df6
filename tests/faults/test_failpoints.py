"""Failpoints: nothing when they are off, exactly what was ordered when they are on, and no order that means nothing."""

import asyncio
import dis
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any

import pytest

from shared import failpoints
from shared.failpoints import VARIABLE, Injected, armed, places, reached
from tests.faults.provoking import EVERY, PROVOCATIONS, provoke

ANY = "relay.acknowledged"


async def _nothing(name: str, /) -> None:
    pass


def test_a_failpoint_that_is_off_is_an_empty_function() -> None:
    assert VARIABLE not in os.environ
    assert [step.opname for step in dis.get_instructions(reached)] == [
        step.opname for step in dis.get_instructions(_nothing)
    ]


def test_every_failpoint_is_found_where_it_stands() -> None:
    for name, place in places().items():
        path, _, line = place.partition(":")
        assert f'await reached("{name}")' in (failpoints.ROOT / path).read_text().splitlines()[int(line) - 1]


def test_every_layer_of_the_kernel_has_its_points() -> None:
    layers = {name.split(".")[0] for name in places()}
    assert layers >= {
        "catching-up", "command", "consumer", "delivery", "feed", "gap", "intake", "migration", "relay", "store",
        "timer", "vault", "view",
    }  # fmt: skip


async def test_the_order_is_carried_out_at_the_time_it_names_and_at_no_other() -> None:
    act = armed(f"{ANY}:raise@2")
    await act(ANY)
    await act("store.append")
    with pytest.raises(Injected):
        await act(ANY)
    await act(ANY)


async def test_an_order_without_a_time_holds_each_time() -> None:
    act = armed(f"{ANY}:raise, store.append:delay@99")
    for _ in range(3):
        with pytest.raises(Injected):
            await act(ANY)


@pytest.mark.parametrize("order", ["relay.never:kill", f"{ANY}:burn", f"{ANY}:kill@soon", ANY])
def test_a_process_with_an_order_that_means_nothing_does_not_start(order: str) -> None:
    began = _python("import shared.store", order)
    assert (began.returncode, VARIABLE in began.stderr) == (1, True), began.stderr


def test_a_process_that_is_told_to_is_killed_at_the_place() -> None:
    script = f"import asyncio; from shared.failpoints import reached; asyncio.run(reached({ANY!r})); print('alive')"
    assert _python(script, f"{ANY}:kill@1").returncode == -SIGKILL
    assert _python(script, f"{ANY}:kill@2").stdout == "alive\n"


@pytest.mark.parametrize("ours", ["import shared.store", "pass"])
def test_a_forked_program_is_killed_at_the_place_whether_our_code_was_imported_before_or_after(ours: str) -> None:
    before = f"import asyncio, os; from tests.faults.forking import arm; {ours}"
    fork = f"os.environ[{VARIABLE!r}] = '{ANY}:kill@2'; arm(); from shared.store import reached"
    once = f"{before}; {fork}; asyncio.run(reached({ANY!r})); print('alive', flush=True)"
    assert _python(once, "").stdout == "alive\n"
    assert _python(f"{once}; asyncio.run(reached({ANY!r}))", "").returncode == -SIGKILL


def test_a_name_that_stands_at_two_places_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one.py", "other.py"):
        (tmp_path / "shared").mkdir(exist_ok=True)
        (tmp_path / "shared" / name).write_text('async def act() -> None:\n    await reached("a.place")\n')
    monkeypatch.setattr(failpoints, "ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"a\.place stands at shared/one\.py:2 and at shared/other\.py:2"):
        places()


def _python(script: str, order: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, VARIABLE: order},
        cwd=failpoints.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_what_leads_to_a_failpoint_ends_when_told_though_what_it_does_keeps_the_word_to_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = asyncio.Event()
    nobody: Any = None

    async def deaf(_rig: object, _chance: Random) -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    monkeypatch.setitem(PROVOCATIONS, "deaf.", deaf)
    provoking = asyncio.create_task(provoke(nobody, "deaf.", Random("deaf")))
    await begun.wait()
    provoking.cancel()
    ended, _ = await asyncio.wait([provoking], timeout=4 * EVERY)
    provoking.cancel()
    assert ended
