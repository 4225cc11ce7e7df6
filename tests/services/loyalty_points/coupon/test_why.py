"""Why a coupon is refused: the facts beside the code, and never whose it is."""

from datetime import timedelta
from typing import Any

from contracts.loyalty_points import CouponExpired
from services.loyalty_points.coupon import domain
from services.loyalty_points.coupon.domain import LapseLock, UnlockCoupon
from services.loyalty_points.coupon.life import Coupon, CouponLocked, Lock
from tests.scenario import Scenario
from tests.services.loyalty_points.coupon.stories import (
    BASKET,
    COUPON,
    DAY,
    HOUR,
    LI,
    MEI,
    NOON,
    OFFER,
    OTHER,
    issued,
    issuing,
    locking,
    redeemed,
    redeeming,
    rolled_back,
    rolling_back,
    terms,
    voided,
    voiding,
)

COUPONS = Scenario(domain)
HERS = COUPONS.given(issued())
KEPT = HERS.given(CouponLocked(at=NOON, customer_id=MEI, coupon_id=COUPON, session_id=BASKET, until=NOON + HOUR))
END = NOON + 10 * DAY
INSTANT = timedelta(microseconds=1)
LAPSE = LapseLock(at=NOON + HOUR, customer_id=MEI, coupon_id=COUPON)
TIMES: dict[str, Any] = {"active_from": NOON.isoformat(), "expires_at": END.isoformat()}


def test_a_coupon_of_nobody_or_of_another_is_named() -> None:
    COUPONS.when(redeeming(NOON)).rejected("coupon-unknown", coupon_id=COUPON)
    HERS.when(redeeming(NOON, who=LI)).rejected("coupon-of-another", coupon_id=COUPON)
    HERS.when(issuing(terms(), customer_id=LI)).rejected("coupon-differs", coupon_id=COUPON)


def test_an_offer_that_has_none_left_tells_how_many_there_were_or_when_it_was_over() -> None:
    COUPONS.when(issuing(terms(total=3), taken=3)).rejected("offer-exhausted", total=3)
    hers = issuing(terms(per_person=1), taken_by_her=1)
    COUPONS.when(hers).rejected("offer-exhausted-for-customer", per_person=1)
    COUPONS.when(issuing(terms(valid_until=NOON))).rejected("offer-over", expires_at=NOON.isoformat())


def test_a_coupon_that_is_not_good_now_tells_when_it_is() -> None:
    waiting = COUPONS.given(issued(active_from=NOON + DAY))
    begins = {"active_from": (NOON + DAY).isoformat(), "expires_at": END.isoformat()}
    waiting.when(redeeming(NOON)).rejected("coupon-inactive", **begins)
    HERS.when(locking(END)).rejected("coupon-expired", **TIMES)
    kept = TIMES | {"locked_until": (NOON + HOUR).isoformat()}
    KEPT.when(redeeming(NOON, OTHER)).rejected("coupon-locked", **kept)
    HERS.given(redeemed(NOON)).when(redeeming(NOON, OTHER)).rejected("coupon-redeemed", **TIMES)


def test_what_cannot_be_done_with_it_names_the_coupon_the_checkout_or_the_basket() -> None:
    HERS.when(locking(NOON, lasts=0 * HOUR)).rejected("lock-over", until=NOON.isoformat())
    release = UnlockCoupon(at=NOON, customer_id=MEI, coupon_id=COUPON, session_id=OTHER)
    KEPT.when(release).rejected("lock-unknown", session_id=OTHER)
    HERS.when(rolling_back(NOON)).rejected("coupon-not-redeemed", basket_id=BASKET)
    HERS.given(redeemed(NOON)).when(voiding(NOON)).rejected("coupon-redeemed", coupon_id=COUPON)
    HERS.when(voiding(END)).rejected("coupon-expired", coupon_id=COUPON)


def test_a_coupon_tells_what_led_to_it() -> None:
    (told,) = domain.decide(issuing(terms(), source="birthday"), domain.initial)
    assert getattr(told, "source", None) == "birthday"


def test_a_coupon_that_comes_back_is_free_again_and_a_checkout_that_redeemed_it_no_more_keeps_it() -> None:
    used = KEPT.given(redeemed(NOON))
    used.when(LAPSE).then()
    used.given(rolled_back(NOON)).when(redeeming(NOON, OTHER)).then(redeemed(NOON, OTHER))


def test_a_checkout_that_kept_a_coupon_has_nothing_to_let_go_once_that_is_over() -> None:
    over = CouponExpired(at=END, customer_id=MEI, coupon_id=COUPON, offer=OFFER)
    for end in (voided(NOON), over):
        KEPT.given(end).when(LAPSE).then()


def test_a_coupon_is_what_it_is_to_the_instant() -> None:
    hers = Coupon(MEI, OFFER, active_from=NOON, expires_at=END, lock=Lock(BASKET, NOON + HOUR))
    moments = (NOON - INSTANT, NOON, NOON + HOUR - INSTANT, NOON + HOUR, END - INSTANT, END)
    assert [hers.status(at) for at in moments] == ["inactive", "locked", "locked", "active", "active", "expired"]
