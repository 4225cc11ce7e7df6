"""What goes on in one salon: sales, refunds, visits, one after the other at its tills. Pure; chance is handed in."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from branchline.simulation import menu
from branchline.simulation.journal import Entry
from branchline.simulation.town import Town

REMEMBERED = 200
SALES, REFUNDS, VISITS = 0.86, 0.05, 0.07
WALK_INS, AROUND_THE_MINIMUM, TWO_TOGETHER, NOT_MINE = 0.18, 0.05, 0.08, 0.04


@dataclass
class Counter:
    """A till's two counters: what it sends, and its receipts. Both begin at 1."""

    till: str
    next_seq: int = 1
    next_receipt: int = 1

    def take_seq(self) -> int:
        """Return the next sequence number."""
        self.next_seq += 1
        return self.next_seq - 1

    def take_receipt(self) -> int:
        """Return the next receipt number."""
        self.next_receipt += 1
        return self.next_receipt - 1


@dataclass
class Sold:
    """A receipt of this branch, and what can still be given back on it."""

    till: str
    entry: Entry
    lines: list[int]
    left: int

    @property
    def number(self) -> str:
        """Return the receipt's number."""
        return str(self.entry.item["data"]["receipt"])


@dataclass
class Floor:
    """One salon. `join_minimum` is where purchases cluster, for there the rules are easy to get wrong."""

    branch: str
    zone: ZoneInfo
    currency: str
    join_minimum: int
    town: Town
    chance: Random
    counters: dict[str, Counter]
    sold: deque[Sold] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def happening(self, till: str, at: datetime, mischief: Callable[["Floor", str, datetime], Entry | None]) -> Entry:
        """Return what happens next at a till; `mischief` makes what should not have happened, where it can."""
        drawn = self.chance.random()
        if drawn < SALES:
            return self.sale(till, at)
        if drawn < SALES + REFUNDS:
            return self.refund(till, at) or self.sale(till, at)
        if drawn < SALES + REFUNDS + VISITS:
            return self.visit(till, at)
        return mischief(self, till, at) or self.sale(till, at)

    def entry(self, till: str, kind: str, at: datetime, data: Any, **how: Any) -> Entry:
        """Return an item with the till's next number."""
        seq = self.counters[till].take_seq()
        return Entry({"seq": seq, "type": kind, "occurred_at": at.isoformat(), "data": data}, **how)

    def sale(self, till: str, at: datetime) -> Entry:
        """Return a receipt, which can be refunded from now on."""
        customer, lines = self._basket()
        number = self.counters[till].take_receipt()
        entry = self.entry(till, "sale", at, menu.receipt(number, self.currency, customer, lines, self.chance))
        amounts = [line["net_minor"] for line in lines]
        self.sold.append(Sold(till, entry, amounts, sum(amounts)))
        return entry

    def refund(self, till: str, at: datetime) -> Entry | None:
        """Return something given back, here or at the till next to it; None when there is nothing to give back."""
        choices = [sold for sold in self.sold if sold.left > 0]
        if not choices:
            return None
        sold = self.chance.choice(choices)
        lines: list[dict[str, int]] = []
        for place, left in enumerate(sold.lines):
            most = min(left, sold.left)
            if most > 0 and (not lines or self.chance.random() < 0.3):
                amount = most if self.chance.random() < 0.4 else self.chance.randint(1, most)
                lines.append({"line": place + 1, "amount_minor": amount})
                sold.lines[place] -= amount
                sold.left -= amount
        data = {"receipt": sold.number, "currency": self.currency, "lines": lines}
        return self.entry(till, "refund", at, data if sold.till == till else data | {"till": sold.till})

    def visit(self, till: str, at: datetime) -> Entry:
        """Return somebody coming in."""
        return self.entry(till, "check-in", at, {"customer": self.somebody()})

    def somebody(self) -> dict[str, str] | None:
        """Return how a customer is named; None for one who does not say."""
        if self.chance.random() < WALK_INS:
            return None
        return self.town.somebody(self.branch, self.chance).key(self.chance)

    def _basket(self) -> tuple[dict[str, str] | None, list[dict[str, Any]]]:
        """Return who pays, and the lines; a line without a customer of its own is the payer's."""
        drawn, chance = self.chance.random(), self.chance
        customer = self.somebody()
        if drawn < AROUND_THE_MINIMUM:
            return customer, self._around_the_minimum()
        lines = [self._choose() for _ in range(chance.choice((1, 1, 2, 3)))]
        if drawn < AROUND_THE_MINIMUM + TWO_TOGETHER:
            lines += self._for_a_friend(self.town.somebody(self.branch, chance).key(chance))
        elif drawn < AROUND_THE_MINIMUM + TWO_TOGETHER + NOT_MINE:
            lines.append(self._choose() | {"customer": None})
        elif drawn > 0.9 and (off := menu.discount(chance, sum(line["net_minor"] for line in lines))):
            lines.append(off)
        return customer, lines

    def _choose(self) -> dict[str, Any]:
        return menu.service(self.chance) if self.chance.random() < 0.75 else menu.product(self.chance)

    def _around_the_minimum(self) -> list[dict[str, Any]]:
        exact = max(1, self.join_minimum + self.chance.choice((-1, 0, 0, 1)))
        if self.chance.random() < 0.5:
            return [menu.voucher(exact)]
        return [menu.voucher(exact + 50_00), menu.allowance(50_00)]

    def _for_a_friend(self, friend: dict[str, str]) -> list[dict[str, Any]]:
        lines = [self._choose() | {"customer": friend}]
        if self.chance.random() < 0.3:
            lines.append(menu.allowance(lines[0]["net_minor"]) | {"customer": friend})
        return lines
