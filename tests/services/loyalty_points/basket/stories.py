"""Baskets of a story, and how things stand for them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

from contracts.pos import LineKind
from services.loyalty_points.basket.asked import Asked, Line, Priced, Step
from services.loyalty_points.basket.knowledge import Standing
from services.loyalty_points.coupon.in_hand import CouponInHand
from services.loyalty_points.coupon.life import Coupon, Lock
from services.loyalty_points.offer.terms import OfferTerms
from services.loyalty_points.terms import Terms
from tests.services.stories import customer

MEI = customer(1)
COUPON, BASKET = uuid5(MEI, "coupon"), uuid5(MEI, "basket")
SUNDAY_IN_SHANGHAI = datetime(2026, 2, 28, 17, tzinfo=UTC)  # it is still Saturday in Toronto


def line(number: int, list_minor: int, code: str = "CUT", **more: Any) -> Line:
    """Return a line of one unit of a service, unless it is told otherwise."""
    told = {"line": number, "code": code, "kind": LineKind.SERVICE, "list_minor": list_minor}
    return Line.model_validate(told | more)


def asked(*lines: Line, **more: Any) -> Asked:
    told = {"customer_id": MEI, "branch": "SHA1", "zone": "Asia/Shanghai", "currency": "CNY", "lines": lines}
    return Asked.model_validate(told | more)


def offer(kind: str, **more: Any) -> OfferTerms:
    """Return an offer of that kind; the benefit's own words stand among the others."""
    own = {
        name: more.pop(name)
        for name in ("off_minor", "payable", "units", "buy", "free", "times", "code")
        if name in more
    }
    currency = {"currency": "CNY"} if kind == "money-off" or "minimum_minor" in more else {}
    return OfferTerms.model_validate({"benefit": {"kind": kind} | own} | currency | more)


STATUSES: dict[str, dict[str, Any]] = {
    "active": {},
    "inactive": {"active_from": SUNDAY_IN_SHANGHAI + timedelta(seconds=1)},
    "expired": {"expires_at": SUNDAY_IN_SHANGHAI},
    "locked": {"lock": Lock(BASKET, SUNDAY_IN_SHANGHAI + timedelta(seconds=1))},
    "redeemed": {"basket_id": uuid5(MEI, "other basket")},
    "voided": {"ended": "voided"},
}


def coupon(terms: OfferTerms, status: str = "active") -> CouponInHand:
    """Return Mei's coupon; a locked one is in the checkout of the story's basket."""
    her = Coupon(customer_id=MEI, offer="welcome", **STATUSES[status])
    return CouponInHand(COUPON, her, SUNDAY_IN_SHANGHAI, 3, terms)


def standing(tier: str | None = None, terms: Any = None, **more: Any) -> Standing:
    """Return how things stand for a member of a tier, or for somebody who is none."""
    told: dict[str, Any] = {"at": SUNDAY_IN_SHANGHAI, "policy_version": 7, "is_member": tier is not None, "tier": tier}
    return Standing(**(told | {"terms": Terms.model_validate(terms or {})} | more))


def nets(priced: Priced) -> list[int]:
    return [one.net_minor for one in priced.lines]


def step(priced: Priced, name: str) -> Step:
    (found,) = (one for one in priced.steps if one.step == name)
    return found


def codes(priced: Priced) -> list[str]:
    return [one.code for one in priced.refused]
