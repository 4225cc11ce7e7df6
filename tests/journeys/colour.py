"""What a salon's receipts give when colour services give half as much again: counted here from the export alone.

Points are by client and receipt, as in `salon.expected`; a colour service is what the salon's own listing files under
COLOR. What is below zero is no service, but takes off.
"""

import csv
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from tests.journeys.salon import LISTINGS, Expected, Salon, expected

Points: TypeAlias = dict[str, dict[str, int]]


@dataclass
class Counted:
    """Points by client and receipt as they are and would be; of the time since: receipts, points and difference by
    month, and which members were `seen`.
    """

    now: Points
    then: Points
    receipts: Counter[str] = field(default_factory=Counter)
    was: Counter[str] = field(default_factory=Counter)
    more: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)

    @property
    def gains(self) -> dict[str, int]:
        """Return what each customer who gains would gain."""
        sums = {who: sum(self.then[who].values()) - sum(own.values()) for who, own in self.now.items()}
        return {who: more for who, more in sums.items() if more}


def colours(source: Salon) -> list[str]:
    """Return the codes of the salon's colour services."""
    with source.path.with_name(LISTINGS[0]).open(newline="") as file:
        return sorted(row["Code"] for row in csv.DictReader(file) if row["Cate"] == "COLOR")


def counted(source: Salon, since: date) -> Counted:
    """Return what all members' receipts give when those from a day on give half as much again for colour."""
    rows, told = source.rows(), expected(source.rows())
    days = {row["Receipt"]: datetime.strptime(row["Date"] + "+0000", "%m/%d/%Y%z").date() for row in rows}
    amounts: dict[tuple[str, str], Decimal] = {}
    colour: dict[tuple[str, str], Decimal] = {}
    named = _names(source, colours(source))
    for row in rows:
        key, amount = (row["Client"], row["Receipt"]), Decimal(row["Amount"])
        amounts[key] = amounts.get(key, Decimal()) + amount
        if _plain(row["Description"]) in named and amount > 0:
            colour[key] = colour.get(key, Decimal()) + amount
    made = Counted(told.points, {client: {} for client in told.points})
    for (client, number), amount in amounts.items():
        if not _earns(told, days, client, number):
            continue
        month, now = f"{days[number]:%Y-%m}", told.points[client].get(number, 0)
        half = colour.get((client, number), Decimal()) / 2 if days[number] >= since else Decimal()
        if then := max(0, int(amount + half)):
            made.then[client][number] = then
        if days[number] < since:
            continue
        made.seen.add(client)
        made.receipts[month] += 1
        made.was[month] += now
        made.more[month] += then - now
    return made


def _earns(told: Expected, days: dict[str, date], client: str, number: str) -> bool:
    """Return whether it is a member's, and not from before she joined."""
    joined = told.joined.get(client)
    return joined is not None and (days[number], int(number)) >= (days[joined], int(joined))


def _names(source: Salon, codes: Collection[str]) -> set[str]:
    with source.path.with_name(LISTINGS[0]).open(newline="") as file:
        return {_plain(row["Desc"]) for row in csv.DictReader(file) if row["Code"] in codes}


def _plain(description: str) -> str:
    return " ".join(description.split()).casefold()
