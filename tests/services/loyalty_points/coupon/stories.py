"""Coupons of a story: an offer's terms, and the acts of a desk upon one coupon."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.loyalty_points import CouponIssued, CouponKind, CouponRedeemed, CouponRolledBack, CouponVoided
from services.loyalty_points.coupon.domain import LockCoupon, RedeemCoupon, RollBackCoupon, VoidCoupon
from services.loyalty_points.coupon.issuing import IssueCoupon
from services.loyalty_points.offer.benefit import Percent
from services.loyalty_points.offer.domain import offer_id
from services.loyalty_points.offer.terms import OfferTerms
from tests.services.stories import customer

MEI, LI = customer(1), customer(2)
NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COUPON, BASKET, OTHER = uuid5(MEI, "coupon"), uuid5(MEI, "basket"), uuid5(MEI, "other basket")
OFFER = "welcome"


def terms(**more: Any) -> OfferTerms:
    """Return an offer of 八五折 for ten days, unless it is told otherwise."""
    return OfferTerms.model_validate({"benefit": Percent(payable="0.85"), "valid_days": 10} | more)


def issuing(worded: OfferTerms | None, at: datetime = NOON, **more: Any) -> IssueCoupon:
    told: dict[str, Any] = {
        "customer_id": MEI,
        "coupon_id": COUPON,
        "offer_id": offer_id(OFFER),
        "offer": OFFER,
        "number": 1,
    } | more
    return IssueCoupon(at=at, terms=worded, **told)


def issued(
    at: datetime = NOON, active_from: datetime | None = None, expires_at: datetime | None = None
) -> CouponIssued:
    return CouponIssued(
        at=at,
        customer_id=MEI,
        coupon_id=COUPON,
        offer=OFFER,
        offer_version=1,
        kind=CouponKind.PERCENT,
        active_from=active_from or at,
        expires_at=expires_at or NOON + 10 * DAY,
    )


def redeeming(at: datetime, basket_id: UUID = BASKET, who: UUID = MEI) -> RedeemCoupon:
    return RedeemCoupon(at=at, customer_id=who, coupon_id=COUPON, basket_id=basket_id)


def redeemed(at: datetime, basket_id: UUID = BASKET) -> CouponRedeemed:
    return CouponRedeemed(at=at, customer_id=MEI, coupon_id=COUPON, offer=OFFER, basket_id=basket_id)


def rolling_back(at: datetime, basket_id: UUID = BASKET) -> RollBackCoupon:
    return RollBackCoupon(at=at, customer_id=MEI, coupon_id=COUPON, basket_id=basket_id)


def rolled_back(at: datetime, basket_id: UUID = BASKET) -> CouponRolledBack:
    return CouponRolledBack(at=at, customer_id=MEI, coupon_id=COUPON, offer=OFFER, basket_id=basket_id)


def locking(at: datetime, session_id: UUID = BASKET, lasts: timedelta = HOUR) -> LockCoupon:
    return LockCoupon(at=at, customer_id=MEI, coupon_id=COUPON, session_id=session_id, until=at + lasts)


def voiding(at: datetime) -> VoidCoupon:
    return VoidCoupon(at=at, customer_id=MEI, coupon_id=COUPON, reason="wrong-customer")


def voided(at: datetime) -> CouponVoided:
    return CouponVoided(at=at, customer_id=MEI, coupon_id=COUPON, offer=OFFER, reason="wrong-customer")
