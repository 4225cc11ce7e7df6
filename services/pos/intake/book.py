"""What is known of a till's items while a request is taken: what was there, what is new, and the answers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.pos.intake.items import Item


class Result(StrEnum):
    """What an item is answered."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an item, and why where it was parked."""

    result: Result
    code: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """An item that was taken before: what it was, and what became of it then."""

    hash: bytes
    verdict: Verdict

    def again(self) -> Verdict:
        """Return what the same item is answered when it comes again."""
        return self.verdict if self.verdict.result is Result.PARKED else Verdict(Result.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Settled:
    """An item, and what became of it now."""

    item: Item
    verdict: Verdict


@dataclass
class Book:
    """One till's items by number, and its receipts by sale. Grows as items are settled."""

    seqs: dict[int, Seen]
    receipts: dict[UUID, bytes]
    taken: dict[int, Settled] = field(default_factory=dict)  # new numbers, with whatever became of them
    parked: list[Settled] = field(default_factory=list)
    reused: set[int] = field(default_factory=set)

    def known(self, item: Item) -> Verdict | None:
        """Return the answer to an item for which no rule has to be asked; None for a new one that can be read."""
        seen = self.seqs.get(item.seq) if item.seq is not None else None
        if seen is not None and item.seq is not None:
            if seen.hash == item.hash:
                return seen.again()
            self.reused.add(item.seq)
            return self._set_aside(item, "seq-reused", {})
        if item.code is not None:
            return self.park(item, item.code, item.facts)
        if item.receipt in self.receipts:
            if self.receipts[item.receipt] == item.hash:
                return self._settle(item, Verdict(Result.DUPLICATE))
            return self.park(item, "receipt-reused", {})
        return None

    def accept(self, item: Item, facts: Mapping[str, Any] | None = None) -> Verdict:
        """Take an item, and its receipt where it has one."""
        if item.receipt is not None:
            self.receipts[item.receipt] = item.hash
        return self._settle(item, Verdict(Result.ACCEPTED, facts=facts or {}))

    def park(self, item: Item, code: str, facts: Mapping[str, Any]) -> Verdict:
        """Set an item aside under its number."""
        return self._settle(item, self._set_aside(item, code, facts))

    def _set_aside(self, item: Item, code: str, facts: Mapping[str, Any]) -> Verdict:
        verdict = Verdict(Result.PARKED, code, facts)
        self.parked.append(Settled(item, verdict))
        return verdict

    def _settle(self, item: Item, verdict: Verdict) -> Verdict:
        if item.seq is not None:
            self.seqs[item.seq] = Seen(item.hash, verdict)
            self.taken[item.seq] = Settled(item, verdict)
        return verdict


def first_of_each(items: Sequence[tuple[int, Item]]) -> tuple[list[tuple[int, Item]], list[tuple[int, Item]]]:
    """Part items into those to settle now, and repeats of their numbers and receipts, which must wait for these."""
    now: list[tuple[int, Item]] = []
    later: list[tuple[int, Item]] = []
    names: set[tuple[str, int] | UUID] = set()
    for place, item in items:
        own: set[tuple[str, int] | UUID] = set() if item.seq is None else {(item.till, item.seq)}
        if item.receipt is not None:
            own.add(item.receipt)
        (later if own & names else now).append((place, item))
        names |= own
    return now, later
