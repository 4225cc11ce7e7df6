"""One session of the simulation: journals opened, salons opened, everything sent, journals closed."""

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from branchline.chain_file import ChainFile
from branchline.door import Door
from branchline.office import Office
from branchline.simulation.day import Happening, habits, happenings
from branchline.simulation.floor import SALES, Counter, Floor
from branchline.simulation.journal import Journal
from branchline.simulation.till import Till
from branchline.simulation.town import Town

TOLD_EVERY = 30.0


class CannotBegin(Exception):
    """The session cannot begin; the message says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """What is asked for. `seconds` None: until `stop` is set. `join_minimum` is in minor units."""

    chain: ChainFile
    journals: Path
    seed: str
    sales_per_second: float
    seconds: float | None
    customers: int
    join_minimum: int


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold a folder of journals, and return the number of this session in it, from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sessions").open("a+") as sessions:
        try:
            fcntl.flock(sessions, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise CannotBegin(f"another simulation writes into {folder}") from held
        sessions.seek(0)
        number = len(sessions.readlines()) + 1
        sessions.write(f"{datetime.now(UTC).isoformat()}\n")
        sessions.flush()
        yield number


async def play(plan: Plan, office: Office, session: int, stop: asyncio.Event) -> None:
    """Let the salons go on for as long as planned, or until `stop`, and send all. Cancelled, it keeps the journals."""
    seed, began_at = f"{plan.seed}/{session}", datetime.now(UTC)
    with ExitStack() as open_journals:
        tills = _tills(plan, office, seed, open_journals)
        town = Town(plan.seed, [branch.code for branch in plan.chain.branches], plan.customers)
        days = list(_days(plan, seed, began_at, town, tills))
        try:
            async with asyncio.TaskGroup() as group, _telling(tills):
                for till in tills.values():
                    group.create_task(till.run())
                await asyncio.gather(*(group.create_task(_open(plan, day, tills, stop)) for day in days))
                for till in tills.values():
                    till.finish()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed


def _tills(plan: Plan, office: Office, seed: str, open_journals: ExitStack) -> dict[str, Till]:
    codes = [(branch.code, till) for branch in plan.chain.branches for till in branch.till_codes()]
    tills = {}
    for place, (branch, code) in enumerate(codes):
        journal = Journal(plan.journals, code)
        open_journals.callback(journal.close)
        chance = Random(f"{seed}/{code}")
        tills[code] = Till(Door(office, branch, code), journal, habits(place, chance), chance)
        if journal.waiting:
            tills[code].news.set()
    return tills


def _days(
    plan: Plan, seed: str, began_at: datetime, town: Town, tills: Mapping[str, Till]
) -> Iterable[Iterator[Happening]]:
    selling = [branch for branch in plan.chain.branches if branch.tills]
    per_second = plan.sales_per_second / SALES / len(selling)
    for branch in selling:
        journals = {code: tills[code].journal for code in branch.till_codes()}
        counters = {code: Counter(code, kept.next_seq, kept.last_receipt + 1) for code, kept in journals.items()}
        chance, zone, currency = Random(f"{seed}/{branch.code}"), ZoneInfo(branch.zone), plan.chain.chain.currency
        floor = Floor(branch.code, zone, currency, plan.join_minimum, town, chance, counters)
        away = {code: hours for code in journals if (hours := tills[code].habits.hours_away)}
        not_before = {code: kept.last_at for code, kept in journals.items() if kept.last_at}
        yield happenings(floor, began_at, per_second, away, not_before)


async def _open(plan: Plan, day: Iterator[Happening], tills: Mapping[str, Till], stop: asyncio.Event) -> None:
    """Let things happen at their times. Those that are due already happen at once."""
    began = time.monotonic()
    for happening in day:
        if plan.seconds is not None and happening.offset > plan.seconds:
            return
        wait = happening.offset - (time.monotonic() - began)
        if wait > 0 and await _is_set(stop, wait):
            return
        if stop.is_set():
            return
        tills[happening.till].note(happening.entry)


async def _is_set(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def _telling(tills: Mapping[str, Till]) -> AsyncIterator[None]:
    """Print now and then how far the tills are."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(TOLD_EVERY)
            written = sum(till.journal.length for till in tills.values())
            waiting = sum(len(till.journal.waiting) for till in tills.values())
            away = sum(till.away for till in tills.values())
            print(f"{written:,} written, {waiting:,} not yet answered, {away} tills away", flush=True)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
