"""A coupon as the desk knows it: what it is, and the words under which it was issued. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty_points.coupon.life import Coupon
from services.loyalty_points.offer.terms import OfferTerms


@dataclass(frozen=True)
class CouponInHand:
    """A coupon of a customer's."""

    coupon_id: UUID
    coupon: Coupon
    issued_at: datetime
    offer_version: int
    terms: OfferTerms
