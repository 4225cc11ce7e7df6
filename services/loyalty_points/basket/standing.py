"""How things stand for a basket now: the customer, her coupon, and the terms; read, never locked.

What is read may be over a moment later: coupon and points refuse by themselves then, and nothing of the basket stays.
"""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from services.loyalty_points.basket.asked import Asked
from services.loyalty_points.basket.knowledge import Standing
from services.loyalty_points.coupon.known import one
from services.loyalty_points.guards import traits
from services.loyalty_points.terms import Terms
from services.loyalty_points.whose import whose
from shared.policy import policies
from shared.postgres import Tx
from shared.replacing import replace

if TYPE_CHECKING:
    from shared.handling import Handler

_NOW = "SELECT clock_timestamp()"


async def clock(tx: Tx) -> datetime:
    """Return the time by Postgres."""
    now: datetime = await tx.fetchval(_NOW)
    return now


async def standing(tx: Tx, handler: "Handler", asked: Asked, at: datetime) -> Standing:
    """Return how things stand at an instant: the tier and the terms are those of it."""
    holding = (await policies(tx, Terms)).at(at)
    known = Standing(at, holding.terms, holding.version)
    who = await whose(tx, handler, asked.customer_id) if asked.customer_id else None
    if who:
        _, account = await handler.state(tx, "account", who)
        is_member = account.is_member(at)
        found = await traits.in_force(tx, [(who, at)]) if is_member else {}
        known = Standing(
            at,
            holding.terms,
            holding.version,
            is_member,
            available=account.available(at),
            **found.get((who, at), traits.Traits())._asdict(),
        )
    return await _with_coupon(tx, asked, who, known)


async def _with_coupon(tx: Tx, asked: Asked, who: UUID | None, known: Standing) -> Standing:
    found = await one(tx, asked.coupon_id) if asked.coupon_id else None
    if found is None:
        return known
    if found.coupon.customer_id != who:
        return replace(known, is_of_another=True)
    return replace(known, coupon=found)
