"""`python -m tests.faults`: every fault, a row each; the seed is printed, and the same seed draws the same strikes.

What the tills sell follows from the seed and their session; what meets what is the machine's.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGTERM

from deploy.local.places import LOCAL
from deploy.local.run import fetch
from tests.faults.campaign import Row, campaign
from tests.faults.fault import Fault, every_fault
from tests.faults.rigged import rig
from tests.faults.servers import Builder, CannotBuild, one_broker
from tests.faults.table import reasons, table

LANES = 2
LARGEST_CELL = 3_000  # answers: the checkers read all that a cell has, whatever the row


def main() -> int:
    """Do as the command line says; return 1 when anything is red."""
    parser = argparse.ArgumentParser(prog="tests.faults")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--only", nargs="*", default=[], metavar="TEXT", help="faults whose names hold one of these")
    parser.add_argument("--rounds", type=int, metavar="N", help="so many rounds of each, whatever it says itself")
    parser.add_argument("--list", action="store_true", help="list the faults, and strike none")
    asked = parser.parse_args()
    chosen = [fault for fault in every_fault() if not asked.only or any(text in fault.name for text in asked.only)]
    if asked.list:
        print("\n".join(f"{fault.rounds:3} {fault.name}" for fault in chosen))
        return 0
    fetch(with_page=True)
    began = time.monotonic()
    print(f"seed {asked.seed}", flush=True)
    rows = asyncio.run(strike(chosen, asked.seed, asked.rounds, LOCAL / "faults" / str(os.getpid())))
    print(f"\nseed {asked.seed}, {time.monotonic() - began:.0f} s\n\n{table(rows)}")
    return 0 if all(row.is_green for row in rows) else 1


async def strike(faults: Sequence[Fault], seed: str, rounds: int | None, home: Path) -> list[Row]:
    """Return a row for each fault, in their order: LANES systems are struck side by side, each with its own servers."""
    striking = asyncio.current_task()
    assert striking
    asyncio.get_running_loop().add_signal_handler(SIGTERM, striking.cancel)
    left, rows = _in_order(faults), dict[str, Row]()

    def done(row: Row) -> None:
        rows[row.fault] = row
        _tell(row, seed)

    async def lane(number: int) -> None:
        end = -(number % 2)
        while left:
            place = home.with_name(f"{home.name}-{number}")
            await _strike_together(left.pop(end), left, end, seed, rounds, place, done)

    async with asyncio.TaskGroup() as group:
        for number in range(LANES):
            group.create_task(lane(number))
    return [rows[fault.name] for fault in faults]


def _in_order(faults: Sequence[Fault]) -> list[Fault]:
    """Return the faults for lanes that take from both ends: what needs servers of its own begins there.

    Neighbours use the machine alike: two that wait would wait together, two that are busy take twice as long.
    """
    alone = [fault for fault in faults if fault.servers is not one_broker]
    return [*alone[:1], *(fault for fault in faults if fault.servers is one_broker), *alone[1:]]


async def _strike_together(
    first: Fault, left: list[Fault], end: int, seed: str, rounds: int | None, home: Path, done: Callable[[Row], None]
) -> None:
    """Strike one running system with a fault and what is left for its servers; lanes take from the same list."""
    build = first.servers
    fault: Fault | None = first
    try:
        async with rig(home, build, seed=seed) as made:
            is_fresh = True
            while fault:
                if fault.own_cell and not is_fresh:
                    await made.new_cell()
                row = await campaign(made, fault, seed, rounds or fault.rounds)
                done(row)
                is_fresh = fault.own_cell or not row.is_green or made.tills.acknowledged() > LARGEST_CELL
                fault = _take(left, end, build)
                if fault and is_fresh:
                    await made.new_cell()
    except CannotBuild as reason:
        while fault:
            done(Row(fault.name, failure=str(reason)))
            fault = _take(left, end, build)
    except Exception as reason:  # it does not come up: the others are struck in another one
        if fault:
            done(Row(fault.name, failure=f"{type(reason).__name__}: {reason}"))


def _take(left: list[Fault], end: int, build: Builder) -> Fault | None:
    found = next((fault for fault in (reversed(left) if end else left) if fault.servers is build), None)
    if found:
        left.remove(found)
    return found


def _tell(row: Row, seed: str) -> None:
    heal = f", healed in {max(row.heal):.1f} s at most" if row.heal else ""
    print(f"{'green' if row.is_green else 'RED  '} {row.fault}: {row.rounds} rounds in {row.seconds:.0f} s{heal}")
    for line in reasons(row):
        print(f"      {line}")
    if not row.is_green:
        print(f'      again: make faults SEED={seed} ONLY="{row.fault}"')
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
