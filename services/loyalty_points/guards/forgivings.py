"""Every debt that was let go, and every request that waits for a second person: each id is good for one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from contracts.loyalty_points import DebtForgiven
from services.loyalty_points.domain import (
    ApproveForgiveness,
    DeclineForgiveness,
    ForgiveDebt,
    ForgivenessAsked,
    ForgivenessDeclined,
    Forgiving,
)
from services.loyalty_points.domain.forgiving import DECLINED, FORGIVEN
from services.loyalty_points.terms import Terms
from shared.message import Event
from shared.policy import policies
from shared.postgres import Tx

Wish: TypeAlias = ForgiveDebt | ApproveForgiveness | DeclineForgiveness

_KNOWN = """
SELECT a.place, f.points, f.reason, f.asked_by, f.until, f.how
FROM unnest($1::int[], $2::uuid[], $3::uuid[]) AS a (place, owner, forgiveness_id)
JOIN forgiving f USING (owner, forgiveness_id)
"""
_ALONE = """
SELECT owner, sum(forgiven)::bigint AS points FROM forgiving
WHERE owner = ANY($1::uuid[]) AND asked_by IS NULL AND told_at > $2::timestamptz - $3::int * interval '1 day'
GROUP BY owner
"""
_ASK = """
INSERT INTO forgiving (customer_id, owner, forgiveness_id, points, reason, asked_by, until, told_at)
VALUES ($1, $1, $2, $3, $4, $5, $6, $7)
"""
_FORGIVE = """
WITH asked AS (
  UPDATE forgiving SET how = $5, forgiven = $3 WHERE owner = $1 AND forgiveness_id = $2 RETURNING forgiveness_id
)
INSERT INTO forgiving (customer_id, owner, forgiveness_id, points, reason, how, forgiven, told_at)
SELECT $1, $1, $2, $3, $4::text, $5, $3, $6::timestamptz WHERE NOT EXISTS (SELECT FROM asked)
"""
_DECLINE = "UPDATE forgiving SET how = $3 WHERE owner = $1 AND forgiveness_id = $2"


async def brought(tx: Tx, commands: Mapping[int, Wish], now: datetime) -> Mapping[int, dict[str, Any]]:
    """Return by place what a command's rules must know."""
    if not commands:
        return {}
    told = commands.values()
    rows = await tx.fetch(_KNOWN, list(commands), [c.customer_id for c in told], [c.forgiveness_id for c in told])
    found: dict[int, dict[str, Any]] = {place: {} for place in commands}
    for row in rows:
        known = Forgiving(row["points"], row["reason"], row["asked_by"], row["until"], row["how"])
        found[row["place"]] = {"known": known}
    if asking := {place: c.customer_id for place, c in commands.items() if isinstance(c, ForgiveDebt)}:
        terms = (await policies(tx, Terms)).at(now).terms.desk
        sums = await tx.fetch(_ALONE, list(asking.values()), now, terms.alone_days)
        alone: dict[UUID, int] = {row["owner"]: row["points"] for row in sums}
        for place, customer in asking.items():
            found[place] |= {"terms": terms, "forgiven_alone": alone.get(customer, 0)}
    return found


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Keep what was asked, let go and declined."""
    for event in told:
        match event:
            case ForgivenessAsked():
                its = event.points, event.reason, event.asked_by, event.until, event.at
                await tx.execute(_ASK, event.customer_id, event.forgiveness_id, *its)
            case DebtForgiven(forgiveness_id=name) if name:
                its_own = event.points, event.reason, FORGIVEN, event.booked_at or event.at
                await tx.execute(_FORGIVE, event.customer_id, name, *its_own)
            case ForgivenessDeclined():
                await tx.execute(_DECLINE, event.customer_id, event.forgiveness_id, DECLINED)
