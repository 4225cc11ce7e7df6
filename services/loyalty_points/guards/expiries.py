"""The instants at which a customer's points expire, and on which days before it has yet to be said."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from contracts.loyalty_points import PointsAwarded, PointsEarned
from services.loyalty_points.domain import NoticeExpiry
from services.loyalty_points.terms import Terms
from shared.message import Event
from shared.policy import policies
from shared.postgres import Tx

_EXPECT = """
INSERT INTO expiry (customer_id, expires_at, notices, notice_at)
SELECT customer_id, expires_at, string_to_array(notices, ',')::int[], notice_at
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::timestamptz[])
  AS e (customer_id, expires_at, notices, notice_at)
ON CONFLICT DO NOTHING
"""
_DUE = """
SELECT a.place
FROM unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::int[]) AS a (place, customer_id, expires_at, days)
JOIN expiry e USING (customer_id, expires_at) WHERE a.days = ANY (e.notices)
"""
_MOVE = """
UPDATE expiry SET notice_at = m.notice_at, notices = string_to_array(m.notices, ',')::int[]
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::timestamptz[])
  AS m (customer_id, expires_at, notices, notice_at)
WHERE expiry.customer_id = m.customer_id AND expiry.expires_at = m.expires_at
"""


async def due(tx: Tx, commands: Mapping[int, NoticeExpiry]) -> set[int]:
    """Return the places of the notices that were not said or passed over before."""
    if not commands:
        return set()
    told = commands.values()
    rows = await tx.fetch(
        _DUE, list(commands), [c.customer_id for c in told], [c.expires_at for c in told], [c.days for c in told]
    )
    return {row["place"] for row in rows}


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Expect the end of what was earned: what is booked too late for a notice is not noticed so long before."""
    ends = {
        (e.customer_id, e.expires_at): e.booked_at or e.at
        for e in told
        if isinstance(e, PointsEarned | PointsAwarded) and e.expires_at and e.expires_at > (e.booked_at or e.at)
    }
    if ends:
        dated = await policies(tx, Terms)
        rows = [
            (who, at, [d for d in dated.at(booked).terms.notices_days if at - timedelta(days=d) > booked])
            for (who, at), booked in ends.items()
        ]
        await tx.execute(_EXPECT, *_columns(rows))


async def move(tx: Tx, rows: Iterable[tuple[UUID, datetime, Sequence[int]]]) -> None:
    """Leave these notices to be said."""
    await tx.execute(_MOVE, *_columns(rows))


def _columns(rows: Iterable[tuple[UUID, datetime, Sequence[int]]]) -> tuple[list[object], ...]:
    """Return the arrays of customers, instants, days yet to come as text, and when the first of them is due."""
    columns: tuple[list[object], ...] = ([], [], [], [])
    for customer_id, expires_at, days in rows:
        next_at = expires_at - timedelta(days=days[0]) if days else None
        for column, value in zip(columns, (customer_id, expires_at, ",".join(map(str, days)), next_at), strict=True):
            column.append(value)
    return columns
