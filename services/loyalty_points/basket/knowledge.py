"""What the price of a basket depends on beside what is asked: customer, coupon, and the terms of the time. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.loyalty_points.coupon.in_hand import CouponInHand
from services.loyalty_points.terms import PRESET, Terms


@dataclass(frozen=True)
class Standing:
    """How things stand at an instant. Of a coupon that is somebody else's no more is known than that."""

    at: datetime
    terms: Terms = PRESET
    policy_version: int = 0
    is_member: bool = False
    tier: str | None = None
    birthday_month: int | None = None
    available: int = 0
    coupon: CouponInHand | None = None
    is_of_another: bool = False
