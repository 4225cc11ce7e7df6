"""The tables of the intake: what a till sent, what is missing of it, what waits, and what was set aside."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from contracts.pos import TillKind
from services.pos.intake.book import Book, Result, Seen, Settled, Verdict
from services.pos.intake.commands import Place
from services.pos.intake.items import Item
from services.pos.intake.people import ItemName
from services.pos.intake.request import Request
from services.pos.intake.said import ITEMS
from services.pos.till.gaps import Arrival, Piece, arrive
from shared.postgres import Tx

_HOLD = """
SELECT t.till, t.branch, t.kind, t.high, b.zone, c.currency
FROM till t JOIN branch b USING (branch) CROSS JOIN chain c
WHERE t.till = ANY($1::text[]) ORDER BY t.till FOR NO KEY UPDATE OF t
"""
_SEEN = """
SELECT i.till, i.seq, hash, result, code, facts::text AS facts, sale_id
FROM unnest($1::text[], $2::bigint[]) AS asked (till, seq) JOIN till_item i USING (till, seq)
UNION ALL
SELECT till, seq, hash, result, code, facts::text, sale_id FROM till_item
WHERE sale_id = ANY($3::uuid[])
"""
_TAKE = """
INSERT INTO till_item (till, seq, branch, hash, result, code, facts, sale_id)
SELECT till, seq, branch, hash, result, code, facts::jsonb, sale_id
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::uuid[])
  AS i (till, seq, branch, hash, result, code, facts, sale_id)
"""
_MOVE = """
UPDATE till SET
  high = greatest(till.high, m.high), parked = till.parked + m.parked, flagged = till.flagged OR m.flagged,
  last_seen_at = coalesce(m.seen_at, till.last_seen_at)
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bool[], $5::timestamptz[])
  AS m (till, high, parked, flagged, seen_at)
WHERE till.till = m.till
"""
_REUSED = "UPDATE till_item SET reused = true WHERE till = $1 AND seq = ANY($2::bigint[]) AND NOT reused RETURNING seq"
_PIECES = """
SELECT first, last, gap_first, gap_last FROM till_gap
WHERE till = $1 AND gap_first IN (
  SELECT piece.gap_first FROM unnest($2::bigint[]) AS seq CROSS JOIN LATERAL (
    SELECT gap_first, last FROM till_gap WHERE till = $1 AND first <= seq ORDER BY first DESC LIMIT 1
  ) AS piece WHERE piece.last >= seq
)
"""
_FORGET_PIECES = "DELETE FROM till_gap WHERE till = $1 AND gap_first = ANY($2::bigint[])"
_ADD_PIECES = """
INSERT INTO till_gap (till, branch, first, last, gap_first, gap_last)
SELECT $1, $2, first, last, gap_first, gap_last
FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS p (first, last, gap_first, gap_last)
"""
_WAIT = """
INSERT INTO waiting_refund (till, seq, branch, sale_id, hash, body)
SELECT till, seq, branch, sale_id, hash, body
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::uuid[], $5::bytea[], $6::text[])
  AS w (till, seq, branch, sale_id, hash, body)
"""
_WAITED = "DELETE FROM waiting_refund WHERE sale_id = ANY($1::uuid[]) RETURNING till, seq, sale_id, hash, body"
_REFUSED_AFTER_ALL = """
UPDATE till_item SET result = 'parked', code = $3, facts = $4::jsonb WHERE till = $1 AND seq = $2
"""
_ASIDE = "SELECT till, seq, hash FROM quarantine WHERE till = ANY($1::text[]) AND hash = ANY($2::bytea[])"
_SET_ASIDE = """
INSERT INTO quarantine (branch, till, seq, hash, code, facts, kept)
SELECT branch, till, seq, hash, code, facts::jsonb, kept::uuid[]
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::text[])
  AS q (branch, till, seq, hash, code, facts, kept)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Held:
    """A till whose row is held: where it stands, and how far its numbers have come."""

    place: Place
    kind: TillKind
    high: int


@dataclass(frozen=True)
class Move:
    """What becomes of a till's row. `seen_at` is empty where it sent nothing itself."""

    till: str
    high: int
    parked: int
    flagged: bool = False
    seen_at: datetime | None = None


async def hold(tx: Tx, tills: Collection[str]) -> dict[str, Held]:
    """Hold the rows of those tills that there are until the transaction ends."""
    return {
        row["till"]: Held(Place(row["branch"], row["zone"], row["currency"]), TillKind(row["kind"]), row["high"])
        for row in await tx.fetch(_HOLD, sorted(tills))
    }


async def look(tx: Tx, requests: Sequence[Request]) -> dict[str, Book]:
    """Return by till what is known of the numbers and receipts of its items."""
    books = {request.till: Book({}, {}) for request in requests}
    items = [item for request in requests for item in request.items]
    numbered = [item for item in items if item.seq is not None]
    receipts = [item.receipt for item in items if item.receipt is not None]
    for row in await tx.fetch(_SEEN, [i.till for i in numbered], [i.seq for i in numbered], receipts):
        facts = orjson.loads(row["facts"]) if row["facts"] else {}
        book = books[row["till"]]
        book.seqs[row["seq"]] = Seen(row["hash"], Verdict(Result(row["result"]), row["code"], facts))
        if row["sale_id"] is not None:
            book.receipts[row["sale_id"]] = row["hash"]
    return books


async def take_items(tx: Tx, taken: Collection[tuple[str, Settled]]) -> None:
    """Keep the numbers that came, each with its branch, for ever."""
    if taken:
        rows = (
            (
                s.item.till,
                s.item.seq,
                branch,
                s.item.hash,
                s.verdict.result,
                s.verdict.code,
                _json(s.verdict) if s.verdict.facts else None,
                s.item.receipt if s.verdict.result is Result.ACCEPTED else None,
            )
            for branch, s in taken
        )
        await tx.execute(_TAKE, *_columns(rows))


async def move(tx: Tx, moves: Collection[Move]) -> None:
    """Move the tills' rows."""
    await tx.execute(_MOVE, *_columns((m.till, m.high, m.parked, m.flagged, m.seen_at) for m in moves))


async def flag(tx: Tx, till: str, reused: Collection[int]) -> list[int]:
    """Note that numbers came again with other content; return those of which it was not known."""
    if not reused:
        return []
    return sorted(row["seq"] for row in await tx.fetch(_REUSED, till, sorted(reused)))


async def close_ranks(tx: Tx, till: str, branch: str, high: int, seqs: Collection[int]) -> Arrival:
    """Move the gaps of a till to where they are when `seqs` have come."""
    late = [seq for seq in seqs if seq <= high]
    rows = await tx.fetch(_PIECES, till, late) if late else []
    pieces = [Piece(row["first"], row["last"], (row["gap_first"], row["gap_last"])) for row in rows]
    arrival = arrive(high, pieces, seqs)
    if pieces:
        await tx.execute(_FORGET_PIECES, till, sorted({piece.gap[0] for piece in pieces}))
    if arrival.pieces:
        columns = _columns((p.first, p.last, *p.gap) for p in arrival.pieces)
        await tx.execute(_ADD_PIECES, till, branch, *columns)
    return arrival


async def wait(tx: Tx, refunds: Sequence[tuple[str, Item]]) -> None:
    """Let refunds wait for their sales, each at its branch."""
    if refunds:
        await tx.execute(_WAIT, *_columns((r.till, r.seq, branch, r.sale, r.hash, r.text) for branch, r in refunds))


async def waited(tx: Tx, sales: Sequence[UUID]) -> list[Item]:
    """Take out the refunds that waited for these sales."""
    if not sales:
        return []
    return [
        Item(row["till"], row["seq"], row["body"], row["hash"], ITEMS.validate_json(row["body"]), sale=row["sale_id"])
        for row in await tx.fetch(_WAITED, sales)
    ]


async def refuse_after_all(tx: Tx, refused: Sequence[Settled]) -> None:
    """Write down what became of items that were accepted to wait, by now."""
    for one in refused:
        await tx.execute(_REFUSED_AFTER_ALL, one.item.till, one.item.seq, one.verdict.code, _json(one.verdict))


async def aside(tx: Tx, items: Collection[Item]) -> set[ItemName]:
    """Return which of the items are in the quarantine."""
    rows = await tx.fetch(_ASIDE, [i.till for i in items], [i.hash for i in items])
    return {(row["till"], row["seq"], row["hash"]) for row in rows}


async def set_aside(tx: Tx, parked: Sequence[tuple[str | None, Settled, Sequence[UUID]]]) -> None:
    """Put items into the quarantine, each with its branch and the vault's references; those of no till have none."""
    if parked:
        rows = (
            (branch, s.item.till or None, s.item.seq, s.item.hash, s.verdict.code, _json(s.verdict), _array(kept))
            for branch, s, kept in parked
        )
        await tx.execute(_SET_ASIDE, *_columns(rows))


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _json(verdict: Verdict) -> str:
    return orjson.dumps(dict(verdict.facts)).decode()


def _array(references: Sequence[UUID]) -> str:
    return "{" + ",".join(map(str, references)) + "}"
