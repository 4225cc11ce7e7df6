"""Taking what tills sent: looked at, named by the vault, then taken in one transaction, the requests of many tills at
once. What is set aside is in the vault before it is in the quarantine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.pos.intake import rows
from services.pos.intake.batch import Batch
from services.pos.intake.book import Book, Verdict
from services.pos.intake.commands import unknown_person
from services.pos.intake.items import Item
from services.pos.intake.people import People, keep, resolve
from services.pos.intake.request import Request
from services.pos.intake.said import people_of
from shared.errors import Conflict
from shared.failpoints import reached
from shared.http import Problem
from shared.performing import in_transaction
from shared.running import Running

TRIES = 5

Taken = list[Verdict]


async def take(running: Running, requests: Sequence[Request]) -> list[Taken | Problem]:
    """Return what became of each item of each request, in order; or the Problem of a request that was not taken.

    No two of the requests are of one till.
    """
    async with running.pool.acquire() as connection:
        books = await rows.look(connection, requests)
    try:
        return list(await _take(running, requests, books))
    except Problem as away:
        asks = [_asks_the_vault(request, books[request.till]) for request in requests]
        others = [request for request, does in zip(requests, asks, strict=True) if not does]
        if len(others) == len(requests):
            raise
        taken = iter(await _take(running, others, books) if others else ())
        return [away if does else next(taken) for does in asks]


async def _take(running: Running, requests: Sequence[Request], books: Mapping[str, Book]) -> list[Taken]:
    new = [(r.branch, item) for r in requests for item in r.items if _is_new(item, books[r.till])]
    people = await resolve(running.peers, new)
    requests = [replace(r, items=[_checked(r, item, people) for item in r.items]) for r in requests]
    aside = [item for r in requests for item in r.items if item.code and item.seq not in books[r.till].seqs]
    kept = await keep(running.peers, aside)
    await reached("intake.people-known")
    for _ in range(TRIES):
        batch = Batch(running.handler, requests, people, kept)
        lacking = await in_transaction(running, batch.take)
        if not lacking:
            return batch.taken
        kept = kept | await keep(running.peers, lacking)
    raise Conflict("what is set aside keeps changing")


def _checked(request: Request, item: Item, people: People) -> Item:
    code = unknown_person(item, request.branch, people)
    return item.refused(code) if code else item


def _is_new(item: Item, book: Book) -> bool:
    return item.seq not in book.seqs and item.receipt not in book.receipts


def _asks_the_vault(request: Request, book: Book) -> bool:
    """Return whether taking the request needs somebody's name known, or a text kept."""
    new = [item for item in request.items if _is_new(item, book)]
    return any(item.said is None or people_of(item.said) for item in new)
