"""Since when each customer is of which tier. A tier holds from its instant until the next one's."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias
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
_HEARD = """
SELECT a.place, EXISTS (
  SELECT FROM tier t WHERE t.customer_id = a.customer_id AND t.from_at = a.from_at AND t.tier = a.tier
) AS is_known, (
  SELECT t.from_at FROM tier t
  WHERE t.customer_id = a.customer_id AND t.from_at >= a.from_at AND (t.from_at, t.tier) > (a.from_at, a.tier)
  ORDER BY t.from_at, t.tier LIMIT 1
) AS until
FROM unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::text[]) AS a (place, customer_id, from_at, tier)
"""
_NOTE = "INSERT INTO tier (customer_id, from_at, tier) SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[])"


async def in_force(tx: Tx, moments: Iterable[Moment]) -> Mapping[Moment, str]:
    """Return the tier of each customer at each instant; whoever has none yet is not in it."""
    asked = sorted(set(moments))
    if not asked:
        return {}
    rows = await tx.fetch(_IN_FORCE, [who for who, _ in asked], [at for _, at in asked])
    return {(row["customer_id"], row["at"]): row["tier"] for row in rows}


class Heard(NamedTuple):
    """Whether a change of tier is known, and when the next one begins; None is never."""

    is_known: bool
    until: datetime | None


async def heard(tx: Tx, commands: Mapping[int, NoteTier]) -> Mapping[int, Heard]:
    """Return by place what has been heard of each change and the next one."""
    if not commands:
        return {}
    told = commands.values()
    rows = await tx.fetch(
        _HEARD, list(commands), [c.under or c.customer_id for c in told], [c.at for c in told], [c.tier for c in told]
    )
    return {row["place"]: Heard(row["is_known"], row["until"]) for row in rows}


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Keep the tiers."""
    if noted := [e for e in told if isinstance(e, TierNoted)]:
        await tx.execute(_NOTE, [e.customer_id for e in noted], [e.at for e in noted], [e.tier for e in noted])
