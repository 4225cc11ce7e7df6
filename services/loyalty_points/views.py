"""What is owed to customers, and between branches, from the ledger's own feed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import asyncpg

from services.loyalty_points.liability import Moved, moved, owed
from shared.message import Envelope
from shared.postgres import Tx

_COLUMNS = Moved._fields[2:]

_MOVE = """
INSERT INTO liability AS l (branch, month, earned, repaid, taken_back, redeemed, expired, held)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[])
ON CONFLICT (branch, month) DO UPDATE
SET earned = l.earned + excluded.earned, repaid = l.repaid + excluded.repaid,
  taken_back = l.taken_back + excluded.taken_back, redeemed = l.redeemed + excluded.redeemed,
  expired = l.expired + excluded.expired, held = l.held + excluded.held
"""
_OWE = """
INSERT INTO owed_between AS o (payer, payee, month, points)
SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[])
ON CONFLICT (payer, payee, month) DO UPDATE SET points = o.points + excluded.points
"""
_LIABILITY = """
SELECT branch, month, earned, repaid, taken_back, redeemed, expired, held, outstanding FROM liability
WHERE ($1::text IS NULL OR branch = $1) AND ($2::date IS NULL OR month = $2) ORDER BY month, branch
"""
_BETWEEN = """
SELECT payer, payee, month, points FROM owed_between
WHERE ($1::text IS NULL OR $1 IN (payer, payee)) AND ($2::date IS NULL OR month = $2) ORDER BY month, payer, payee
"""
_FRESHNESS = """
SELECT e.recorded_at AS as_of, h.number - v.number AS behind, clock_timestamp() AS read_at
FROM view_set v CROSS JOIN feed_head h LEFT JOIN feed f ON f.number = v.number LEFT JOIN event e ON e.seq = f.seq
WHERE v.live
"""


async def project(tx: Tx, events: Sequence[Envelope]) -> None:
    """Add what entries do to what is owed."""
    sums: defaultdict[tuple[str, date], list[int]] = defaultdict(lambda: [0] * len(_COLUMNS))
    between: Counter[tuple[str, str, date]] = Counter()
    for envelope in events:
        for branch, month, *points in moved(envelope.event):
            of_month = sums[branch, month]
            of_month[:] = [was + more for was, more in zip(of_month, points, strict=True)]
        for payer, payee, month, spent in owed(envelope.event):
            between[payer, payee, month] += spent
    if sums:
        await tx.execute(_MOVE, *_columns((*key, *sums[key]) for key in sorted(sums)))
    if between:
        await tx.execute(_OWE, *_columns((*key, between[key]) for key in sorted(between)))


async def liability(
    tx: Tx, branch: str | None, month: date | None
) -> tuple[list[asyncpg.Record], list[asyncpg.Record], dict[str, Any]]:
    """Return what is owed to customers, and between branches, and how fresh both are at least."""
    fresh = await tx.fetchrow(_FRESHNESS)
    return await tx.fetch(_LIABILITY, branch, month), await tx.fetch(_BETWEEN, branch, month), dict(fresh or {})


def _columns(rows: Iterable[tuple[Any, ...]]) -> Iterable[list[Any]]:
    return (list(column) for column in zip(*rows, strict=True))
