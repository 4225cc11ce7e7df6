"""Points by branch and day of the receipt that earned them, and what each customer holds."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from shared.message import Envelope
from shared.postgres import Tx

_DAYS = """
INSERT INTO points_day AS d (branch, day, earned, taken_back)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[])
ON CONFLICT (branch, day) DO UPDATE
SET earned = d.earned + excluded.earned, taken_back = d.taken_back + excluded.taken_back
"""
_HELD = """
INSERT INTO customer AS c (customer_id, balance, debt, earned, taken_back)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (customer_id) DO UPDATE SET balance = excluded.balance, debt = excluded.debt,
  earned = c.earned + excluded.earned, taken_back = c.taken_back + excluded.taken_back
"""


async def project(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Add what was earned and taken back; the last balance and debt of a customer stand."""
    days: defaultdict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
    sums: defaultdict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    last: dict[UUID, PointsEarned | PointsTakenBack] = {}
    for envelope in envelopes:
        event = envelope.event
        if isinstance(event, PointsEarned | PointsTakenBack):
            column = 0 if isinstance(event, PointsEarned) else 1
            days[event.branch, event.on][column] += event.points
            sums[event.customer_id][column] += event.points
            last[event.customer_id] = event
    if not last:
        return
    held = [(c, last[c].balance, last[c].debt, *sums[c]) for c in sorted(last)]
    await tx.execute(_HELD, *zip(*held, strict=True))
    await tx.execute(_DAYS, *zip(*((*key, *days[key]) for key in sorted(days)), strict=True))
