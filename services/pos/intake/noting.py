"""What a batch showed of the tills beside their items: what is missing, numbers used twice, what was set aside."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from contracts.pos import TillKind
from services.pos.intake import rows
from services.pos.intake.book import Book, Settled
from services.pos.intake.request import Request
from services.pos.intake.rows import Held, Move
from services.pos.till.domain import NoteIntake, ParkedItem, Span, till_id
from shared.handling import Handler
from shared.message import Issued
from shared.postgres import Tx

Spans = tuple[Span, ...]


async def note(
    tx: Tx,
    handler: Handler,
    held: Mapping[str, Held],
    books: Mapping[str, Book],
    parked: Sequence[Settled],
    causes: Mapping[str, Request],
) -> None:
    """Move the rows and gaps of the tills that have books, tell what is new of them, and of others with `parked`."""
    aside: dict[str, list[ParkedItem]] = defaultdict(list)
    for one in parked:
        aside[one.item.till].append(ParkedItem(seq=one.item.seq, code=one.verdict.code or ""))
    issued, moves = [], []
    for till in sorted(books.keys() | aside.keys()):
        request, items = causes[till], tuple(aside[till])
        if till in books:
            opened, closed, high = await _gaps(tx, till, held[till], books[till])
            flagged = await rows.flag(tx, till, books[till].reused)
            moves.append(Move(till, high, len(items), bool(flagged), request.door.now))
        else:
            opened, closed, flagged = (), (), []
            moves.append(Move(till, 0, len(items)))
        if opened or closed or flagged or items:
            noted = NoteIntake(
                at=request.door.now,
                till_id=till_id(till),
                branch=request.branch,
                till=till,
                opened=opened,
                closed=closed,
                flagged=tuple(flagged),
                parked=items,
            )
            issued.append(Issued(noted, request.cause))
    if issued:
        await handler.handle(tx, issued)
    await rows.move(tx, moves)


async def _gaps(tx: Tx, till: str, held: Held, book: Book) -> tuple[Spans, Spans, int]:
    if held.kind is TillKind.IMPORT:
        return (), (), max(book.taken, default=0)
    arrival = await rows.close_ranks(tx, till, held.place.branch, held.high, book.taken.keys())
    return arrival.opened, arrival.closed, arrival.high
