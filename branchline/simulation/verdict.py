"""The end of a simulation: journals into the oracle, books from the services, and whether they say the same."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from branchline.amount import shown
from branchline.chain_file import ChainFile
from branchline.office import Office
from branchline.simulation.books import TillSeen, read_books
from branchline.simulation.compare import differences, wrong_answers
from branchline.simulation.journal import ACCEPTED, DUPLICATE, read_answers, read_entries
from branchline.simulation.oracle import Dated, Rules, Told, Truth, work_out
from branchline.simulation.settle import settle

PATIENCE = 180.0
TRIES = 3
PAUSE = 1.0


@dataclass
class Journals:
    """What the journals of a chain hold: what was told, where each till must stand, and answers that are wrong."""

    told: list[Told] = field(default_factory=list)
    tills: dict[str, TillSeen] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """Nothing in `differences`: equal."""

    differences: list[str]
    truth: Truth


async def judge(office: Office, chain: ChainFile, folder: Path) -> Verdict:
    """Return the verdict on all that the folder's journals hold, when the services have caught up."""
    journals = await asyncio.to_thread(read_journals, chain, folder)
    truth = work_out(journals.told, await read_rules(office))
    different = [f"not caught up: {line}" for line in await settle(office, PATIENCE)]
    for left in reversed(range(TRIES)):
        days = sorted({day for _, day in truth.days})
        books = await read_books(office, {branch.code for branch in chain.branches}, days, truth.people.keys())
        found = differences(truth, books, journals.tills)
        if not found or not left:
            return Verdict([*journals.wrong, *different, *found], truth)
        await asyncio.sleep(PAUSE)
    raise AssertionError("unreachable")


def read_journals(chain: ChainFile, folder: Path) -> Journals:
    """Return what the tills of the chain have written down in the folder."""
    journals = Journals()
    for branch in chain.branches:
        for till in branch.till_codes():
            entries = [written.entry for written in read_entries(folder / f"{till}.items")]
            journals.told += [Told(branch.code, ZoneInfo(branch.zone), till, entry) for entry in entries]
            if entries:
                aside = (entry.item for entry in entries if entry.must not in (ACCEPTED, DUPLICATE))
                parked = len({orjson.dumps(item) for item in aside})  # what is told again is set aside once
                journals.tills[till] = TillSeen(max(entry.seq for entry in entries), parked=parked)
            musts = {place: entry.must for place, entry in enumerate(entries)}
            journals.wrong += wrong_answers(till, musts, read_answers(folder / f"{till}.answers"))
    return journals


async def read_rules(office: Office) -> Rules:
    """Return the policies as they are published."""
    membership = versions(await office.ask("membership", "GET", "/v1/policy"))
    points = versions(await office.ask("loyalty-points", "GET", "/v1/policy"))
    tiers = [(tier["from_minor"], tier["name"]) for tier in membership[-1][1]["tiers"]] if len(membership) == 1 else []
    return Rules(
        Dated([(start, terms["join_minimum_minor"]) for start, terms in membership]),
        Dated([(start, Fraction(terms["points_per_unit"]) / terms["minor_per_unit"]) for start, terms in points]),
        tuple(tiers),
    )


def versions(policy: Mapping[str, Any]) -> list[tuple[datetime | None, Mapping[str, Any]]]:
    """Return the terms with their beginnings, oldest first; the first has none."""
    published = [(v["from"], v["terms"]) for v in policy["versions"]]
    if not published or published[0][0]:
        published.insert(0, (None, policy["preset"]))
    return [(datetime.fromisoformat(start) if start else None, terms) for start, terms in published]


def counts(truth: Truth, currency: str) -> str:
    """Return how much it is that was compared."""
    days, people = truth.days.values(), truth.people.values()
    net = sum(day.gross_minor - day.refunded_minor for day in days)
    return (
        f"{len({branch for branch, _ in truth.days}):,} branches on {len({day for _, day in truth.days}):,} days, "
        f"{sum(day.receipts for day in days):,} receipts, {sum(day.lines for day in days):,} lines, "
        f"net {shown(net, currency)} {currency}; {len(people):,} customers, "
        f"{sum(person.joined is not None for person in people):,} members, "
        f"{sum(person.balance for person in people):,} points"
    )
