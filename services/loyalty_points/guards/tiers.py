"""Since when each customer is of which tier. A tier holds from its instant until the next one's."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from services.loyalty_points.domain import NoteTier, TierNoted
from shared.message import Event
from shared.postgres import Tx

Moment: TypeAlias = tuple[UUID, datetime]

_IN_FORCE = """
SELECT a.customer_id, a.at, t.tier FROM unnest($1::uuid[], $2::timestamptz[]) AS a (customer_id, at)
CROSS JOIN LATERAL (
  SELECT tier FROM tier WHERE customer_id = a.customer_id AND from_at <= a.at ORDER BY from_at DESC, tier DESC LIMIT 1
) AS t
"""
_KNOWN = """
SELECT a.place
FROM unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::text[]) AS a (place, customer_id, from_at, tier)
JOIN tier USING (customer_id, from_at, tier)
"""
_NOTE = "INSERT INTO tier (customer_id, from_at, tier) SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[])"


async def in_force(tx: Tx, moments: Iterable[Moment]) -> Mapping[Moment, str]:
    """Return the tier of each customer at each instant; whoever has none yet is not in it."""
    asked = sorted(set(moments))
    if not asked:
        return {}
    rows = await tx.fetch(_IN_FORCE, [who for who, _ in asked], [at for _, at in asked])
    return {(row["customer_id"], row["at"]): row["tier"] for row in rows}


async def known(tx: Tx, commands: Mapping[int, NoteTier]) -> set[int]:
    """Return the places of those that have been heard."""
    if not commands:
        return set()
    told = commands.values()
    rows = await tx.fetch(
        _KNOWN, list(commands), [c.customer_id for c in told], [c.at for c in told], [c.tier for c in told]
    )
    return {row["place"] for row in rows}


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Keep the tiers."""
    if noted := [e for e in told if isinstance(e, TierNoted)]:
        await tx.execute(_NOTE, [e.customer_id for e in noted], [e.at for e in noted], [e.tier for e in noted])
