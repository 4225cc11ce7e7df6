"""Coupons as they are, with the words under which they were issued: read, never locked."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from services.loyalty_points.coupon.in_hand import CouponInHand
from services.loyalty_points.coupon.life import Coupon, Lock
from services.loyalty_points.offer.terms import OfferTerms
from shared.postgres import Tx

_HERS = """
SELECT c.*, o.code, v.terms::text AS terms FROM coupon c JOIN coupon_offer o USING (offer_id)
JOIN coupon_offer_version v ON v.offer_id = c.offer_id AND v.number = c.offer_version
WHERE c.owner = $1 ORDER BY c.is_open DESC, c.expires_at, c.issued_at DESC, c.coupon_id LIMIT $2
"""
_ONE = """
SELECT c.*, o.code, v.terms::text AS terms FROM coupon c JOIN coupon_offer o USING (offer_id)
JOIN coupon_offer_version v ON v.offer_id = c.offer_id AND v.number = c.offer_version
WHERE c.coupon_id = $1
"""


async def of_customer(tx: Tx, customer_id: UUID, most: int) -> list[CouponInHand]:
    """Return so many of a customer's coupons: those that can still be used first, soonest expiry first."""
    return list(_read(await tx.fetch(_HERS, customer_id, most)))


async def one(tx: Tx, coupon_id: UUID) -> CouponInHand | None:
    """Return a coupon."""
    return next(iter(_read(await tx.fetch(_ONE, coupon_id))), None)


def _read(rows: Iterable["asyncpg.Record"]) -> Iterable[CouponInHand]:
    for row in rows:
        coupon = Coupon(
            customer_id=row["owner"],
            offer=row["code"],
            active_from=row["active_from"],
            expires_at=row["expires_at"],
            lock=Lock(row["locked_by"], row["locked_until"]) if row["locked_by"] else None,
            basket_id=row["basket_id"],
            ended=row["ended"],
        )
        terms = OfferTerms.model_validate_json(row["terms"])
        yield CouponInHand(row["coupon_id"], coupon, row["issued_at"], row["offer_version"], terms)
