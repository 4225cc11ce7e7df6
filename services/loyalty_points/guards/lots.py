"""Every lot of points, and what has become of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from contracts.loyalty_points import PointsAwarded, PointsEarned
from contracts.money import LARGEST
from services.loyalty_points.domain.lots import Lot, movements
from shared.message import Envelope
from shared.postgres import Tx

# just as many as give what is wanted: the first of the window, in the order in which they are drawn on
_TO_DRAW = """
SELECT l.* FROM unnest($1::uuid[], $2::bigint[], $3::boolean[]) AS a (owner, wanted, from_pending)
CROSS JOIN LATERAL (
  SELECT *, sum(rest) OVER (ORDER BY coalesce(active_from > $4, false), expires_at, earned_at, lot_id) - rest AS before
  FROM lot WHERE owner = a.owner AND rest > 0 AND (expires_at IS NULL OR expires_at > $4)
    AND (a.from_pending OR active_from IS NULL OR active_from <= $4)
) AS l WHERE l.before < a.wanted
"""
# what has expired since then counts, too
_TO_SPEND_LATE = """
SELECT l.* FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS a (owner, wanted, since)
CROSS JOIN LATERAL (
  SELECT *, sum(rest + expired) OVER (ORDER BY coalesce(active_from > $4, false), expires_at, earned_at, lot_id)
    - rest - expired AS before
  FROM lot WHERE owner = a.owner AND (rest > 0 OR expired > 0)
    AND (expires_at IS NULL OR expires_at > least(a.since, $4))
) AS l WHERE l.before < a.wanted
"""
_NAMED = "SELECT * FROM lot JOIN unnest($1::uuid[], $2::uuid[]) AS a (owner, lot_id) USING (owner, lot_id)"
_TO_EXPIRE = """
SELECT l.* FROM unnest($1::uuid[]) AS a (owner) CROSS JOIN LATERAL (
  SELECT * FROM lot WHERE owner = a.owner AND rest > 0 AND expires_at <= $2
  ORDER BY expires_at, earned_at, lot_id LIMIT $3
) AS l
"""
_ADD = """
INSERT INTO lot (customer_id, lot_id, source, branch, earned_on, earned_at, policy_version, active_from, expires_at,
                 points, repaid, owner)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::timestamptz[], $7::bigint[],
                     $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[], $12::uuid[])
"""
_MOVE = """
UPDATE lot SET repaid = lot.repaid + m.repaid, drawn = lot.drawn + m.drawn,
  taken_back = lot.taken_back + m.taken_back, expired = lot.expired + m.expired
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
  AS m (owner, lot_id, repaid, drawn, taken_back, expired)
WHERE lot.owner = m.owner AND lot.lot_id = m.lot_id
"""


class Wanted(NamedTuple):
    """Points that somebody's lots shall give, from the pending ones too where the others have too little."""

    customer_id: UUID
    points: int
    from_pending: bool


async def to_draw(tx: Tx, wanted: Sequence[Wanted], now: datetime) -> list["asyncpg.Record"]:
    """Return just enough lots, each as a row; what is wanted of one customer adds up."""
    sums: Counter[tuple[UUID, bool]] = Counter()
    for one in wanted:
        if one.points > 0:
            sums[one.customer_id, one.from_pending] += one.points
    if not sums:
        return []
    points = [min(of_all, LARGEST) for of_all in sums.values()]
    return await tx.fetch(_TO_DRAW, [who for who, _ in sums], points, [pending for _, pending in sums], now)


class Late(NamedTuple):
    """Points that somebody's lots gave at an instant, as is heard now."""

    customer_id: UUID
    points: int
    since: datetime


async def to_spend_late(tx: Tx, late: Sequence[Late], now: datetime) -> list["asyncpg.Record"]:
    """Return just enough lots that lived then or came since, each as a row."""
    if not late:
        return []
    points = [min(one.points, LARGEST) for one in late]
    return await tx.fetch(_TO_SPEND_LATE, [o.customer_id for o in late], points, [o.since for o in late], now)


async def named(tx: Tx, lots: Iterable[tuple[UUID, UUID]]) -> list["asyncpg.Record"]:
    """Return lots by customer and id, those that there are."""
    asked = sorted(set(lots))
    return await tx.fetch(_NAMED, [c for c, _ in asked], [lot for _, lot in asked]) if asked else []


async def to_expire(tx: Tx, customers: Sequence[UUID], now: datetime, most: int) -> list["asyncpg.Record"]:
    """Return so many lots of each customer whose time is over."""
    return await tx.fetch(_TO_EXPIRE, customers, now, most) if customers else []


def by_customer(rows: Iterable["asyncpg.Record"]) -> Mapping[UUID, dict[UUID, Lot]]:
    """Return the lots of the rows; one that is there twice once."""
    found: dict[UUID, dict[UUID, Lot]] = defaultdict(dict)
    for row in rows:
        found[row["owner"]][row["lot_id"]] = Lot(
            lot_id=row["lot_id"],
            branch=row["branch"],
            on=row["earned_on"],
            earned_at=row["earned_at"],
            active_from=row["active_from"],
            expires_at=row["expires_at"],
            points=row["points"],
            repaid=row["repaid"],
            drawn=row["drawn"],
            taken_back=row["taken_back"],
            expired=row["expired"],
            origin=row["customer_id"] if row["customer_id"] != row["owner"] else None,
        )
    return found


async def keep(tx: Tx, told: Sequence[Envelope]) -> None:
    """Add the new lots, and move all that the entries draw on, each once."""
    if earned := [e.event for e in told if isinstance(e.event, PointsEarned | PointsAwarded)]:
        await tx.execute(
            _ADD,
            [e.origin or e.customer_id for e in earned],
            [e.lot_id for e in earned],
            [e.source for e in earned],
            [e.branch for e in earned],
            [e.on for e in earned],
            [e.at for e in earned],
            [e.policy_version for e in earned],
            [e.active_from for e in earned],
            [e.expires_at for e in earned],
            [e.points for e in earned],
            [e.repaid for e in earned],
            [e.customer_id for e in earned],
        )
    sums: dict[tuple[UUID, UUID], Sequence[int]] = {}
    for envelope in told:
        for lot_id, *moved in movements(envelope.event):
            whose = envelope.stream_id, lot_id
            before = sums.get(whose)
            sums[whose] = [a + b for a, b in zip(before, moved, strict=True)] if before else moved
    if sums:
        columns = zip(*sums.values(), strict=True)  # repaid, drawn, taken back, expired: a movement's order
        await tx.execute(_MOVE, [c for c, _ in sums], [lot for _, lot in sums], *columns)
