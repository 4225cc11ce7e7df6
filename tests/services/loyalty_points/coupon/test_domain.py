"""A coupon's life, sentence by sentence."""

from datetime import datetime

import pytest
from pydantic import ValidationError

from contracts.loyalty_points import CouponExpired
from services.loyalty_points.coupon import domain
from services.loyalty_points.coupon.domain import ExpireCoupon, LapseLock, UnlockCoupon
from services.loyalty_points.coupon.life import CouponLocked, CouponUnlocked, Unlocking
from services.loyalty_points.offer import domain as offers
from services.loyalty_points.offer.domain import OfferWorded, WordOffer, offer_id
from services.loyalty_points.offer.terms import OfferTerms
from shared.message import Event
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
END = NOON + 10 * DAY
LATER = NOON + HOUR


def locked(at: datetime = NOON) -> CouponLocked:
    return CouponLocked(at=at, customer_id=MEI, coupon_id=COUPON, session_id=BASKET, until=at + HOUR)


def unlocked(at: datetime, why: Unlocking = Unlocking.LAPSED) -> CouponUnlocked:
    return CouponUnlocked(at=at, customer_id=MEI, coupon_id=COUPON, session_id=BASKET, until=NOON + HOUR, why=why)


def expiring(at: datetime) -> ExpireCoupon:
    return ExpireCoupon(at=at, customer_id=MEI, coupon_id=COUPON)


def test_a_coupon_is_good_at_once_for_the_days_that_the_offer_says() -> None:
    COUPONS.when(issuing(terms())).then(issued())


def test_a_coupon_may_begin_some_days_later_and_then_has_all_its_days() -> None:
    COUPONS.when(issuing(terms(activation_days=2))).then(issued(active_from=NOON + 2 * DAY, expires_at=NOON + 12 * DAY))


def test_a_coupon_is_over_when_the_offer_is_where_that_comes_first() -> None:
    COUPONS.when(issuing(terms(valid_until=NOON + DAY))).then(issued(expires_at=NOON + DAY))
    COUPONS.when(issuing(terms(valid_until=NOON + 99 * DAY))).then(issued())


def test_a_coupon_that_would_be_over_before_it_begins_is_not_issued() -> None:
    COUPONS.when(issuing(terms(valid_until=NOON))).rejected("offer-over")
    COUPONS.when(issuing(terms(valid_until=NOON + DAY, activation_days=1))).rejected("offer-over")


def test_an_offer_has_so_many_coupons_and_so_many_for_one_customer() -> None:
    COUPONS.when(issuing(terms(total=3), taken=2)).then(issued())
    COUPONS.when(issuing(terms(total=3), taken=3)).rejected("offer-exhausted")
    COUPONS.when(issuing(terms(per_person=1), taken=7)).then(issued())
    COUPONS.when(issuing(terms(per_person=1), taken=7, taken_by_her=1)).rejected("offer-exhausted-for-customer")
    COUPONS.when(issuing(terms(total=0))).rejected("offer-exhausted")
    COUPONS.when(issuing(None)).rejected("offer-unknown")


def test_a_coupon_issued_twice_is_one_and_never_somebody_elses() -> None:
    HERS.when(issuing(terms(per_person=1), taken_by_her=1)).then()
    HERS.when(issuing(terms(), customer_id=LI)).rejected("coupon-differs")
    HERS.when(issuing(terms(), offer="other")).rejected("coupon-differs")


def test_a_coupon_is_redeemed_once() -> None:
    HERS.when(redeeming(LATER)).then(redeemed(LATER))
    used = HERS.given(redeemed(LATER))
    used.when(redeeming(LATER)).then()
    used.when(redeeming(LATER, OTHER)).rejected("coupon-redeemed")
    used.when(locking(LATER, OTHER)).rejected("coupon-redeemed")
    used.when(voiding(LATER)).rejected("coupon-redeemed")


def test_a_coupon_of_another_is_refused_whatever_is_wanted_of_it() -> None:
    HERS.when(redeeming(LATER, who=LI)).rejected("coupon-of-another")
    COUPONS.when(redeeming(LATER)).rejected("coupon-unknown")


def test_a_coupon_is_not_good_before_its_time_nor_after_it() -> None:
    waiting = COUPONS.given(issued(active_from=NOON + DAY))
    waiting.when(redeeming(LATER)).rejected("coupon-inactive")
    waiting.when(locking(LATER)).rejected("coupon-inactive")
    waiting.when(redeeming(NOON + DAY)).then(redeemed(NOON + DAY))
    HERS.when(redeeming(END)).rejected("coupon-expired")
    HERS.when(locking(END)).rejected("coupon-expired")
    HERS.when(voiding(END)).rejected("coupon-expired")


def test_a_coupon_in_a_checkout_is_that_checkouts_alone() -> None:
    HERS.when(locking(NOON)).then(locked())
    kept = HERS.given(locked())
    kept.when(redeeming(NOON + HOUR / 2, OTHER)).rejected("coupon-locked")
    kept.when(locking(NOON + HOUR / 2, OTHER)).rejected("coupon-locked")
    kept.when(locking(NOON)).then()
    longer = locking(NOON + HOUR / 2)
    kept.when(longer).then(locked(NOON + HOUR / 2))
    kept.when(redeeming(NOON + HOUR / 2)).then(redeemed(NOON + HOUR / 2))
    HERS.when(locking(NOON, lasts=0 * HOUR)).rejected("lock-over")


def test_a_lock_ends_by_its_timer_by_the_next_act_or_by_the_checkout_itself() -> None:
    kept = HERS.given(locked())
    lapse = LapseLock(at=NOON + HOUR, customer_id=MEI, coupon_id=COUPON)
    kept.when(lapse).then(unlocked(NOON + HOUR))
    kept.given(unlocked(NOON + HOUR)).when(lapse).then()
    kept.when(lapse.model_copy(update={"at": NOON})).then()
    kept.when(redeeming(NOON + HOUR, OTHER)).then(unlocked(NOON + HOUR), redeemed(NOON + HOUR, OTHER))
    release = UnlockCoupon(at=LATER - HOUR / 2, customer_id=MEI, coupon_id=COUPON, session_id=BASKET)
    kept.when(release).then(unlocked(LATER - HOUR / 2, Unlocking.RELEASED))
    kept.when(release.model_copy(update={"session_id": OTHER})).rejected("lock-unknown")
    HERS.when(release).rejected("lock-unknown")


def test_a_basket_that_is_undone_gives_the_coupon_back_once() -> None:
    used = HERS.given(redeemed(LATER))
    used.when(rolling_back(LATER)).then(rolled_back(LATER))
    undone = used.given(rolled_back(LATER))
    undone.when(rolling_back(LATER)).then()
    undone.when(redeeming(LATER, OTHER)).then(redeemed(LATER, OTHER))
    used.when(rolling_back(LATER, OTHER)).rejected("coupon-not-redeemed")
    undone.given(redeemed(LATER, OTHER)).when(rolling_back(LATER)).then()
    HERS.when(rolling_back(LATER)).rejected("coupon-not-redeemed")


def test_a_coupon_that_comes_back_after_its_time_is_over_at_once() -> None:
    undone = HERS.given(redeemed(LATER), rolled_back(END + DAY))
    undone.when(redeeming(END + DAY, OTHER)).rejected("coupon-expired")
    undone.when(expiring(END + DAY)).then(over())


def over() -> Event:
    return CouponExpired(at=END, customer_id=MEI, coupon_id=COUPON, offer=OFFER)


def test_a_coupon_expires_at_its_time_unless_it_was_redeemed() -> None:
    HERS.when(expiring(END)).then(over())
    HERS.when(expiring(END - HOUR)).then()
    HERS.given(redeemed(LATER)).when(expiring(END)).then()
    HERS.given(over()).when(expiring(END)).then()
    HERS.given(voided(LATER)).when(expiring(END)).then()
    HERS.given(over()).when(redeeming(END, OTHER)).rejected("coupon-expired")


def test_a_coupon_is_voided_for_good() -> None:
    HERS.when(voiding(LATER)).then(voided(LATER))
    gone = HERS.given(voided(LATER))
    gone.when(voiding(LATER)).then()
    for act in (redeeming(LATER), locking(LATER)):
        gone.when(act).rejected("coupon-voided")
    gone.when(rolling_back(LATER)).rejected("coupon-not-redeemed")
    gone.when(issuing(terms())).then()


def test_a_refusal_never_says_whose_or_where_it_is_locked() -> None:
    kept = HERS.given(locked())
    state = kept.domain.initial
    for event in kept.history:
        state = kept.domain.evolve(state, event)
    assert set(state.facts()) == {"active_from", "expires_at", "locked_until"}


def test_an_offer_is_worded_in_versions_and_the_same_words_are_none() -> None:
    first, second = terms(), terms(per_person=1)

    def word(told: OfferTerms) -> WordOffer:
        return WordOffer(at=NOON, offer_id=offer_id(OFFER), code=OFFER, terms=told)

    def worded(number: int, told: OfferTerms) -> OfferWorded:
        return OfferWorded(at=NOON, offer_id=offer_id(OFFER), code=OFFER, number=number, terms=told)

    scenario = Scenario(offers)
    scenario.when(word(first)).then(worded(1, first))
    scenario.given(worded(1, first)).when(word(first)).then()
    scenario.given(worded(1, first)).when(word(second)).then(worded(2, second))


def test_an_amount_of_an_offer_has_a_currency() -> None:
    for told in ({"benefit": {"kind": "money-off", "off_minor": 5}}, {"minimum_minor": 5}):
        with pytest.raises(ValidationError, match="currency"):
            terms(**told)
        assert terms(**told, currency="CNY").currency == "CNY"
