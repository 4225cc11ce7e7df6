"""One try to take the requests of several tills, inside a transaction that holds the tills' rows.

Whoever holds a till's row is alone with the till's numbers, its gaps and its receipts; a refund holds that of its
receipt's till too. So what two connections send at once is taken once, and no refund misses the sale it waits for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.pos.intake import rows
from services.pos.intake.book import Book, Result, Settled, Verdict, first_of_each
from services.pos.intake.commands import order, order_refund
from services.pos.intake.items import Item
from services.pos.intake.noting import note
from services.pos.intake.people import ItemName, People, name_of
from services.pos.intake.request import Request
from services.pos.intake.rows import Held
from services.pos.intake.said import RefundItem
from shared.errors import Missing
from shared.failpoints import reached
from shared.handling import Handler, Outcome
from shared.message import Command, Issued
from shared.postgres import Tx
from shared.scope import see

_UNDO = "ROLLBACK AND CHAIN"  # the caller ends the empty transaction that follows


@dataclass
class Batch:
    """One try. `taken` has each request's verdicts when it has gone well."""

    handler: Handler
    requests: Sequence[Request]
    people: People
    kept: Mapping[ItemName, Sequence[UUID]]
    taken: list[list[Verdict]] = field(default_factory=list)
    _books: Mapping[str, Book] = field(default_factory=dict)
    _held: Mapping[str, Held] = field(default_factory=dict)
    _causes: dict[str, Request] = field(default_factory=dict)  # by till, what each item is taken for

    async def take(self, tx: Tx) -> list[Item]:
        """Take all items, or none; return those that must be kept by the vault before."""
        self._causes = {request.till: request for request in self.requests}
        await see(tx, *sorted({request.branch for request in self.requests}))
        self._held = await rows.hold(tx, self._tills())
        if missing := self._causes.keys() - self._held.keys():
            raise Missing("till-unknown", till=min(missing))
        self._books = await rows.look(tx, self.requests)
        strangers = await self._settle(tx)
        parked = [one for book in self._books.values() for one in book.parked] + strangers
        lacking, new = await self._set_aside(tx, parked)
        if lacking:
            await tx.execute(_UNDO)
            return lacking
        await rows.take_items(tx, [(r.branch, s) for r in self.requests for s in self._books[r.till].taken.values()])
        await rows.refuse_after_all(tx, strangers)
        await reached("intake.items-taken")
        await note(tx, self.handler, self._held, self._books, new, self._causes)
        return []

    def _tills(self) -> set[str]:
        items = (item for request in self.requests for item in request.items)
        named = {i.said.data.till for i in items if isinstance(i.said, RefundItem) and i.said.data.till}
        return named | {request.till for request in self.requests}

    async def _settle(self, tx: Tx) -> list[Settled]:
        """Give each item its verdict; return the refunds of earlier requests that waited, and are refused now."""
        answers: dict[int, Verdict] = {}
        strangers: list[Settled] = []
        items = [item for request in self.requests for item in request.items]
        rest = list(enumerate(items))
        while rest:
            now, rest = first_of_each(rest)
            fresh: list[Item] = []
            for n, item in now:
                book = self._books[item.till]
                if verdict := book.known(item):
                    answers[n] = verdict
                elif isinstance(item.said, RefundItem) and (item.said.data.till or item.till) not in self._held:
                    answers[n] = book.park(item, "till-unknown", {})
                else:
                    fresh.append(item)
            sold = await self._sell(tx, [item for item in fresh if not isinstance(item.said, RefundItem)])
            strangers += await self._refund(tx, [item for item in fresh if isinstance(item.said, RefundItem)], sold)
        verdicts = iter(
            answers.get(n) or self._books[item.till].seqs[item.seq or 0].verdict for n, item in enumerate(items)
        )
        self.taken = [[next(verdicts) for _ in request.items] for request in self.requests]
        return strangers

    async def _sell(self, tx: Tx, items: Sequence[Item]) -> dict[UUID, Request]:
        """Record sales, points spent, and visits; return what each sale was taken for."""
        orders = [order(item, self._held[item.till].place, self.people) for item in items]
        outcomes = await self._handle(tx, items, orders)
        sold = {}
        for item, outcome in zip(items, outcomes, strict=True):
            if outcome.refusal:
                self._books[item.till].park(item, outcome.refusal.code, outcome.refusal.facts)
                continue
            self._books[item.till].accept(item)
            if item.receipt:
                sold[item.receipt] = self._causes[item.till]
        return sold

    async def _refund(self, tx: Tx, fresh: Sequence[Item], sold: Mapping[UUID, Request]) -> list[Settled]:
        """Apply refunds, also those that waited for what was sold now; return the refused ones of earlier requests."""
        waited = await rows.waited(tx, list(sold))
        for item in waited:
            assert item.sale is not None
            self._causes.setdefault(item.till, sold[item.sale])
        refunds = sorted([*fresh, *waited], key=_turn)
        orders = [order_refund(item, self._held[self._causes[item.till].till].place) for item in refunds]
        outcomes = await self._handle(tx, refunds, orders)
        early, strangers = [], []
        own = {(item.till, item.seq) for item in fresh}
        for item, outcome in zip(refunds, outcomes, strict=True):
            refusal, book = outcome.refusal, self._books.get(item.till)
            is_own = book is not None and ((item.till, item.seq) in own or item.seq in book.taken)
            if refusal and refusal.code == "sale-unknown":
                early.append((self._causes[item.till].branch, item))
                self._books[item.till].accept(item, {"waiting": True})
            elif book is not None and is_own and refusal:
                book.park(item, refusal.code, refusal.facts)
            elif refusal:
                strangers.append(Settled(item, Verdict(Result.PARKED, refusal.code, refusal.facts)))
            elif book is not None and is_own:
                book.accept(item)
        await rows.wait(tx, early)
        return strangers

    async def _handle(self, tx: Tx, items: Sequence[Item], commands: Sequence[Command]) -> list[Outcome]:
        if not commands:
            return []
        causes = [self._causes[item.till].cause for item in items]
        return await self.handler.handle(tx, [Issued(*one) for one in zip(commands, causes, strict=True)])

    async def _set_aside(self, tx: Tx, parked: Sequence[Settled]) -> tuple[list[Item], list[Settled]]:
        """Return the items that the vault must keep first, and else what is newly in the quarantine."""
        if not parked:
            return [], []
        by_name = {name_of(one.item): one for one in parked}
        there = await rows.aside(tx, [one.item for one in parked])
        new = [one for name, one in by_name.items() if name not in there]
        lacking = [one.item for one in new if name_of(one.item) not in self.kept]
        if not lacking:
            kept = [(self._causes[one.item.till].branch, one, self.kept[name_of(one.item)]) for one in new]
            await rows.set_aside(tx, kept)
        return lacking, new


def _turn(item: Item) -> tuple[Any, ...]:
    """Return by what refunds take their turn: their time, then their till and number."""
    assert item.said is not None
    return item.said.occurred_at, item.till, item.seq
