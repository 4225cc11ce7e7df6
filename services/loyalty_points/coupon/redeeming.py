"""A basket redeems a coupon, and gives it back when it is undone. Pure."""

from uuid import UUID

from contracts.loyalty_points import CouponRedeemed, CouponRolledBack
from services.loyalty_points.coupon.life import Coupon, CouponEvent
from services.loyalty_points.coupon.locking import OfCoupon, usable
from shared.errors import Rejected


class RedeemCoupon(OfCoupon):
    """A basket is paid with it; a lock of another session is in the way, one of the basket's own is not."""

    basket_id: UUID


class RollBackCoupon(OfCoupon):
    """The basket that redeemed it was undone."""

    basket_id: UUID


def redeem(command: RedeemCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Use it up for a basket; the same again says nothing."""
    if coupon.basket_id == command.basket_id:
        return []
    usable(command, coupon, command.basket_id)
    return [
        CouponRedeemed(
            at=command.at,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            offer=coupon.offer,
            basket_id=command.basket_id,
        )
    ]


def roll_back(command: RollBackCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Give it back, once for a basket."""
    if coupon.basket_id != command.basket_id:
        if coupon.undone_id == command.basket_id:
            return []
        raise Rejected("coupon-not-redeemed", basket_id=command.basket_id)
    return [
        CouponRolledBack(
            at=command.at,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            offer=coupon.offer,
            basket_id=command.basket_id,
        )
    ]
