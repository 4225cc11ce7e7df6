"""A coupon is taken back, or its time is over: for good. Pure."""

from contracts.loyalty_points import CouponExpired, CouponVoided
from services.loyalty_points.coupon.life import EXPIRED, REDEEMED, VOIDED, Coupon, CouponEvent
from services.loyalty_points.coupon.locking import OfCoupon
from services.loyalty_points.domain.forgiving import Reason
from shared.errors import Rejected


class VoidCoupon(OfCoupon):
    """Take it back for good; the reason is a code: a sentence might name somebody."""

    reason: Reason


class ExpireCoupon(OfCoupon):
    """Say that its time is over, where it is."""


def void(command: VoidCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Take it back; what was redeemed or is over cannot be."""
    status = coupon.status(command.at)
    if status == VOIDED:
        return []
    if status in (REDEEMED, EXPIRED):
        raise Rejected(f"coupon-{status}", coupon_id=command.coupon_id)
    return [
        CouponVoided(
            at=command.at,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            offer=coupon.offer,
            reason=command.reason,
        )
    ]


def expire(command: ExpireCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Say that it is over, unless it is not, or was redeemed."""
    if coupon.ended or coupon.basket_id or coupon.expires_at is None or command.at < coupon.expires_at:
        return []
    return [
        CouponExpired(
            at=coupon.expires_at,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            offer=coupon.offer,
        )
    ]
