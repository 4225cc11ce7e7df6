"""Whether a coupon fits a basket, and on which lines it is good; the first reason against it has a code. Pure."""

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty_points.basket.asked import Asked, Line
from services.loyalty_points.basket.knowledge import Standing
from services.loyalty_points.coupon.in_hand import CouponInHand
from services.loyalty_points.coupon.life import ACTIVE, LOCKED
from shared.errors import Rejected


def fitting(
    asked: Asked, standing: Standing, basket_id: UUID | None, prices: Mapping[int, int]
) -> tuple[CouponInHand, list[Line]]:
    """Return the coupon and the lines it is good on; raise Rejected when it does not fit.

    `prices` are what the lines cost that a coupon may touch at all. A lock of the basket's own checkout lets it pass.
    """
    coupon = _usable(asked, standing, basket_id)
    terms = coupon.terms
    if terms.currency and terms.currency != asked.currency:
        raise Rejected("coupon-other-currency", currency=terms.currency)
    if terms.branches and asked.branch not in terms.branches:
        raise Rejected("coupon-wrong-branch", branches=sorted(terms.branches))
    weekday = standing.at.astimezone(ZoneInfo(asked.zone)).isoweekday()
    if terms.weekdays and weekday not in terms.weekdays:
        raise Rejected("coupon-wrong-weekday", weekdays=sorted(terms.weekdays), weekday=weekday)
    lines = [line for line in asked.lines if line.line in prices and terms.is_good_on(line.kind, line.code)]
    if not lines:
        raise Rejected("coupon-no-such-item", kinds=sorted(terms.kinds), codes=sorted(terms.codes))
    worth = sum(prices[line.line] for line in lines)
    if worth < terms.minimum_minor:
        raise Rejected("coupon-below-minimum", minimum_minor=terms.minimum_minor, has_minor=worth)
    return coupon, lines


def _usable(asked: Asked, standing: Standing, basket_id: UUID | None) -> CouponInHand:
    coupon = standing.coupon
    if standing.is_of_another:
        raise Rejected("coupon-of-another", coupon_id=asked.coupon_id)
    if coupon is None:
        raise Rejected("coupon-unknown", coupon_id=asked.coupon_id)
    status, lock = coupon.coupon.status(standing.at), coupon.coupon.lock
    is_own = status == LOCKED and lock is not None and lock.session_id == basket_id
    if status != ACTIVE and not is_own:
        raise Rejected(f"coupon-{status}", **coupon.coupon.facts())
    return coupon
