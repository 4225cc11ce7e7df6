"""The list of members, from membership's own feed."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from contracts.membership import MembershipMovedEarlier, MembershipStarted, TierChanged
from shared.message import Envelope
from shared.postgres import Tx

_JOIN = """
INSERT INTO members (customer_id, joined_order, joined_at, sale_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (customer_id) DO UPDATE
SET joined_order = excluded.joined_order, joined_at = excluded.joined_at, sale_id = excluded.sale_id
"""
_RANK = "UPDATE members SET tier = $2, tier_since = $3 WHERE customer_id = $1"
_PAGE = """
SELECT customer_id, joined_at, sale_id, tier, tier_since FROM members
WHERE $1::uuid IS NULL
   OR (joined_order, customer_id) > (SELECT m.joined_order, m.customer_id FROM members m WHERE m.customer_id = $1)
ORDER BY joined_order, customer_id LIMIT $2
"""


async def project(tx: Tx, events: Sequence[Envelope]) -> None:
    """Fill the list: joining, and joining earlier, replace the joining receipt; a tier replaces the one before."""
    joined: dict[UUID, tuple[object, ...]] = {}
    ranked: dict[UUID, tuple[object, ...]] = {}
    for told in events:
        match told.event:
            case MembershipStarted() | MembershipMovedEarlier() as joining:
                joined[joining.customer_id] = (joining.customer_id, joining.joined_order, joining.at, joining.sale_id)
            case TierChanged() as tier:
                ranked[tier.customer_id] = (tier.customer_id, tier.tier, tier.at)
            case _:
                pass
    await tx.executemany(_JOIN, joined.values())
    await tx.executemany(_RANK, ranked.values())


async def page(tx: Tx, after: UUID | None, limit: int) -> list[asyncpg.Record]:
    """Return members in the order of joining, from the one behind `after`."""
    return await tx.fetch(_PAGE, after, limit)
