"""Taking what a till sent: looked at, named by the vault, then taken in one transaction that holds the till's row.

Whoever holds a till's row is alone with the till's numbers, its gaps and its receipts; a refund holds that of its
receipt's till too. So what two connections send at once is taken once, and no refund misses the sale it waits for.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from contracts.pos import TillKind
from services.pos.intake import rows
from services.pos.intake.book import Book, Result, Settled, Verdict, first_of_each
from services.pos.intake.commands import Place, order, order_refund, unknown_person
from services.pos.intake.items import Door, Item, read_items
from services.pos.intake.people import ItemName, People, keep, name_of, resolve
from services.pos.intake.said import RefundItem
from services.pos.till.domain import NoteIntake, ParkedItem, Span, till_id
from shared.errors import Conflict
from shared.handling import Outcome
from shared.message import Cause, Command, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running
from shared.scope import see

TRIES = 5

Spans = tuple[Span, ...]
Answer = tuple[Item, Verdict]

_HOLD = "SELECT till, kind, high FROM till WHERE till = ANY($1::text[]) ORDER BY till FOR NO KEY UPDATE"
_MOVE = """
UPDATE till SET high = greatest(high, $2), parked = parked + $3, flagged = flagged OR $4, last_seen_at = $5
WHERE till = $1
"""
_MORE_PARKED = "UPDATE till SET parked = parked + $2 WHERE till = $1"
_UNDO = "ROLLBACK AND CHAIN"  # the caller ends the empty transaction that follows


async def take(running: Running, door: Door, place: Place, told: Sequence[Any], cause: Cause) -> list[Answer]:
    """Return what became of each item, in order; take nothing and raise Problem where the vault does not answer."""
    items = read_items(door, told)
    async with running.pool.acquire() as connection:
        book = await rows.look(connection, door.till, items)
    new = [item for item in items if item.seq not in book.seqs and item.receipt not in book.receipts]
    people = await resolve(running.peers, door, new)
    items = [item.refused(code) if (code := unknown_person(item, people)) else item for item in items]
    kept = await keep(running.peers, [item for item in items if item.code and item.seq not in book.seqs])
    for _ in range(TRIES):
        taking = _Taking(running, door, place, items, people, kept, cause)
        lacking = await in_transaction(running, taking.take)
        if not lacking:
            return list(zip(items, taking.verdicts, strict=True))
        kept = kept | await keep(running.peers, lacking)
    raise Conflict("what is set aside keeps changing")


@dataclass
class _Taking:
    """One try to take a request's items."""

    running: Running
    door: Door
    place: Place
    items: Sequence[Item]
    people: People
    kept: Mapping[ItemName, Sequence[UUID]]
    cause: Cause
    verdicts: list[Verdict] = field(default_factory=list)

    async def take(self, tx: Tx) -> list[Item]:
        """Take all items, or none; return those that must be kept by the vault before."""
        await see(tx, self.place.branch)
        held = {row["till"]: row for row in await tx.fetch(_HOLD, sorted(self._tills()))}
        book = await rows.look(tx, self.door.till, self.items)
        strangers = await self._settle(tx, book, set(held))
        lacking, new = await self._set_aside(tx, [*book.parked, *strangers])
        if lacking:
            await tx.execute(_UNDO)
            return lacking
        await rows.take_items(tx, self.door.till, self.place.branch, book.taken.values())
        await rows.refuse_after_all(tx, strangers)
        await self._note(tx, held[self.door.till], book, new)
        return []

    def _tills(self) -> set[str]:
        named = {i.said.data.till for i in self.items if isinstance(i.said, RefundItem) and i.said.data.till}
        return named | {self.door.till}

    async def _settle(self, tx: Tx, book: Book, held: set[str]) -> list[Settled]:
        """Give each item its verdict; return the refunds of other requests that waited, and are refused now."""
        answers: dict[int, Verdict] = {}
        strangers: list[Settled] = []
        rest = list(enumerate(self.items))
        while rest:
            now, rest = first_of_each(rest)
            fresh: list[Item] = []
            for n, item in now:
                if verdict := book.known(item):
                    answers[n] = verdict
                elif isinstance(item.said, RefundItem) and (item.said.data.till or item.till) not in held:
                    answers[n] = book.park(item, "till-unknown", {})
                else:
                    fresh.append(item)
            sold = await self._sell(tx, book, [item for item in fresh if not isinstance(item.said, RefundItem)])
            refunds = [item for item in fresh if isinstance(item.said, RefundItem)]
            strangers += await self._refund(tx, book, refunds, sold)
        self.verdicts = [answers.get(n) or book.seqs[item.seq or 0].verdict for n, item in enumerate(self.items)]
        return strangers

    async def _sell(self, tx: Tx, book: Book, items: Sequence[Item]) -> list[UUID]:
        """Record sales and visits; return the sales."""
        outcomes = await self._handle(tx, [order(item, self.place, self.people) for item in items])
        for item, outcome in zip(items, outcomes, strict=True):
            if outcome.refusal:
                book.park(item, outcome.refusal.code, outcome.refusal.facts)
            else:
                book.accept(item)
        return [i.receipt for i, outcome in zip(items, outcomes, strict=True) if i.receipt and not outcome.refusal]

    async def _refund(self, tx: Tx, book: Book, fresh: Sequence[Item], sold: Sequence[UUID]) -> list[Settled]:
        """Apply refunds, also those that waited for what was sold now; return the refused ones of other requests."""
        waited = await rows.waited(tx, sold)
        refunds = sorted([*fresh, *waited], key=_turn)
        outcomes = await self._handle(tx, [order_refund(item, self.place) for item in refunds])
        early, strangers = [], []
        own = {item.seq for item in fresh} | book.taken.keys()
        for item, outcome in zip(refunds, outcomes, strict=True):
            is_own = item.till == self.door.till and item.seq in own
            refusal = outcome.refusal
            if refusal and refusal.code == "sale-unknown":
                early.append(item)
                book.accept(item, {"waiting": True})
            elif refusal and is_own:
                book.park(item, refusal.code, refusal.facts)
            elif refusal:
                strangers.append(Settled(item, Verdict(Result.PARKED, refusal.code, refusal.facts)))
            elif is_own:
                book.accept(item)
        await rows.wait(tx, self.place.branch, early)
        return strangers

    async def _handle(self, tx: Tx, commands: Sequence[Command]) -> list[Outcome]:
        if not commands:
            return []
        return await self.running.handler.handle(tx, [Issued(command, self.cause) for command in commands])

    async def _set_aside(self, tx: Tx, parked: Sequence[Settled]) -> tuple[list[Item], list[Settled]]:
        """Return the items that the vault must keep first, and else what is newly in the quarantine."""
        if not parked:
            return [], []
        by_name = {name_of(one.item): one for one in parked}
        there = await rows.aside(tx, [one.item for one in parked])
        new = [one for name, one in by_name.items() if name not in there]
        lacking = [one.item for one in new if name_of(one.item) not in self.kept]
        if not lacking:
            await rows.set_aside(tx, self.place.branch, [(one, self.kept[name_of(one.item)]) for one in new])
        return lacking, new

    async def _note(self, tx: Tx, till: asyncpg.Record, book: Book, parked: Sequence[Settled]) -> None:
        """Move the till's row and its gaps; tell what was noticed of it, and of others whose refunds were refused."""
        opened, closed, high = await self._gaps(tx, till, book)
        flagged = await rows.flag(tx, self.door.till, book.reused)
        by_till: dict[str, list[ParkedItem]] = defaultdict(list)
        for one in parked:
            by_till[one.item.till].append(ParkedItem(seq=one.item.seq, code=one.verdict.code or ""))
        own = by_till.pop(self.door.till, [])
        notes = [self._noted(self.door.till, own, opened, closed, flagged)]
        notes += [self._noted(name, items) for name, items in sorted(by_till.items())]
        await self._handle(tx, [note for note in notes if note.opened or note.closed or note.flagged or note.parked])
        await tx.execute(_MOVE, self.door.till, high, len(own), bool(flagged), self.door.now)
        for name, items in sorted(by_till.items()):
            await tx.execute(_MORE_PARKED, name, len(items))

    async def _gaps(self, tx: Tx, till: asyncpg.Record, book: Book) -> tuple[Spans, Spans, int]:
        if till["kind"] == TillKind.IMPORT:
            return (), (), max(book.taken, default=0)
        arrival = await rows.close_ranks(tx, self.door.till, self.place.branch, till["high"], book.taken.keys())
        return arrival.opened, arrival.closed, arrival.high

    def _noted(
        self,
        till: str,
        parked: Sequence[ParkedItem],
        opened: Spans = (),
        closed: Spans = (),
        flagged: Sequence[int] = (),
    ) -> NoteIntake:
        return NoteIntake(
            at=self.door.now,
            till_id=till_id(till),
            branch=self.place.branch,
            till=till,
            opened=opened,
            closed=closed,
            flagged=tuple(flagged),
            parked=tuple(parked),
        )


def _turn(item: Item) -> tuple[Any, ...]:
    """Return by what refunds take their turn: their time, then their till and number."""
    assert item.said is not None
    return item.said.occurred_at, item.till, item.seq
