"""A basket's commit and its undoing, sentence by sentence."""

from typing import Any

from services.loyalty_points.basket import domain
from services.loyalty_points.basket.asked import Asked
from services.loyalty_points.basket.domain import BasketCommitted, BasketRolledBack, CommitBasket, RollBackBasket
from services.loyalty_points.basket.knowledge import Standing
from services.loyalty_points.basket.pricing import price
from tests.scenario import Scenario
from tests.services.loyalty_points.basket.stories import (
    BASKET,
    COUPON,
    SUNDAY_IN_SHANGHAI,
    asked,
    coupon,
    line,
    offer,
    standing,
)

BASKETS = Scenario(domain)
NOON = SUNDAY_IN_SHANGHAI
CUT = asked(line(1, 10_000), coupon_id=COUPON, points=100)
MEMBER = standing("gold", coupon=coupon(offer("percent", payable="0.5")), available=100)


def committing(basket: Asked = CUT, known: Standing = MEMBER, **more: Any) -> CommitBasket:
    return CommitBasket(at=NOON, basket_id=BASKET, asked=basket, standing=known, **more)


def committed(basket: Asked = CUT, known: Standing = MEMBER, **more: Any) -> BasketCommitted:
    told: dict[str, Any] = {"priced": price(basket, known, BASKET), "policy_version": known.policy_version} | more
    return BasketCommitted(at=NOON, basket_id=BASKET, asked=basket, **told)


def rolling_back() -> RollBackBasket:
    return RollBackBasket(at=NOON, basket_id=BASKET, reason="sale-void")


ROLLED_BACK = BasketRolledBack(at=NOON, basket_id=BASKET, reason="sale-void")


def test_a_basket_is_committed_at_the_price_and_the_terms_of_its_time() -> None:
    BASKETS.when(committing()).then(committed())
    assert (committed().priced.total_minor, committed().policy_version) == (3_900, 7)


def test_the_same_basket_again_says_nothing_whatever_the_rules_are_by_then() -> None:
    paid = BASKETS.given(committed())
    paid.when(committing()).then()
    paid.when(committing(known=standing("diamond"))).then()
    paid.given(ROLLED_BACK).when(committing()).then()


def test_another_basket_by_its_name_is_refused() -> None:
    paid = BASKETS.given(committed())
    for other in (asked(line(1, 10_001)), asked(line(1, 10_000)), CUT.model_copy(update={"points": 99})):
        paid.when(committing(other)).rejected("basket-differs")
    paid.when(committing(expected_minor=3_900)).rejected("basket-differs")


def test_what_does_not_fit_refuses_the_whole_commit_with_its_code() -> None:
    BASKETS.when(committing(known=standing("gold", is_of_another=True, available=100))).rejected("coupon-of-another")
    poor = standing("gold", coupon=MEMBER.coupon, available=99)
    BASKETS.when(committing(known=poor)).rejected("not-enough-points")


def test_a_basket_that_costs_otherwise_than_was_shown_is_refused() -> None:
    BASKETS.when(committing(expected_minor=3_900)).then(committed(expected_minor=3_900))
    BASKETS.when(committing(expected_minor=3_899)).rejected("basket-costs-otherwise")


def test_a_basket_is_undone_once() -> None:
    BASKETS.given(committed()).when(rolling_back()).then(ROLLED_BACK)
    BASKETS.given(committed(), ROLLED_BACK).when(rolling_back()).then()
    BASKETS.when(rolling_back()).rejected("basket-unknown")
