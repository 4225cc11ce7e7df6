"""Why a coupon or points do not fit a basket, and why a basket is refused: the facts beside the code."""

from typing import Any

import pytest

from services.loyalty_points.basket import domain
from services.loyalty_points.basket.asked import Asked, Refused
from services.loyalty_points.basket.domain import CommitBasket, RollBackBasket
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
CUT = asked(line(1, 1_000), line(2, 500, "DYE", exclusive=True), coupon_id=COUPON)
NEXT_SECOND = "2026-02-28T17:00:01+00:00"


def half(status: str = "active", **words: Any) -> Standing:
    """Return how things stand for somebody with a coupon of half the price."""
    return standing(coupon=coupon(offer("percent", payable="0.5", **words), status))


def refused(known: Standing, basket: Asked = CUT) -> Refused:
    (told,) = price(basket, known).refused
    return told


FITTING: dict[str, tuple[Standing, str, dict[str, Any]]] = {
    "another currency": (half(currency="CAD"), "coupon-other-currency", {"currency": "CAD"}),
    "another branch": (half(branches=["TOR2", "TOR1"]), "coupon-wrong-branch", {"branches": ["TOR1", "TOR2"]}),
    "another weekday": (half(weekdays=[6, 1]), "coupon-wrong-weekday", {"weekdays": [1, 6], "weekday": 7}),
    "other items": (
        half(codes=["WAX", "OIL"], kinds=["product"]),
        "coupon-no-such-item",
        {"kinds": ["product"], "codes": ["OIL", "WAX"]},
    ),
    "an item that stands alone": (half(codes=["DYE"]), "coupon-no-such-item", {"kinds": [], "codes": ["DYE"]}),
    "too little": (half(minimum_minor=1_001), "coupon-below-minimum", {"minimum_minor": 1_001, "has_minor": 1_000}),
    "not yet": (half("inactive"), "coupon-inactive", {"active_from": NEXT_SECOND}),
    "in a checkout": (half("locked"), "coupon-locked", {"locked_until": NEXT_SECOND}),
    "over": (half("expired"), "coupon-expired", {"expires_at": "2026-02-28T17:00:00+00:00"}),
    "no coupon": (standing(), "coupon-unknown", {"coupon_id": str(COUPON)}),
}


@pytest.mark.parametrize("what", FITTING)
def test_a_coupon_that_does_not_fit_tells_what_would(what: str) -> None:
    known, code, facts = FITTING[what]
    assert refused(known) == Refused(step="coupon", code=code, facts=facts)


def test_points_that_cannot_be_spent_tell_why() -> None:
    poor, dear = standing(available=9), standing(available=9, terms={"point_minor": 1_001})
    told = refused(poor, asked(line(1, 1_000), points=10))
    assert told == Refused(step="points", code="not-enough-points", facts={"available": 9, "asked": 10})
    told = refused(dear, asked(line(1, 1_000), points=1))
    assert told == Refused(step="points", code="nothing-for-points", facts={"point_minor": 1_001})


def test_a_coupon_goes_by_the_weekday_of_the_branch() -> None:
    saturdays = half(weekdays=[6])
    assert price(asked(line(1, 1_000), coupon_id=COUPON, zone="America/Toronto"), saturdays).total_minor == 500


def test_a_coupon_of_one_kind_is_no_good_on_another_and_of_either_code_or_kind_one_will_do() -> None:
    known = half(codes=["DYE"], kinds=["product"])
    lines = (line(1, 100), line(2, 200, "DYE"), line(3, 400, "WAX", kind="product"))
    assert price(asked(*lines, coupon_id=COUPON), known).total_minor == 100 + 100 + 200


def test_a_step_tells_which_coupon_of_which_version_took_off_how_much() -> None:
    (told,) = price(CUT, half()).steps
    assert (told.step, told.coupon_id, told.offer, told.offer_version) == ("coupon", COUPON, "welcome", 3)
    assert (told.payable, told.off, told.off_minor, told.by_line) == ("0.5", "0.5", 500, {1: 500})
    assert (told.gift, told.gift_units) == (None, 0)
    (given,) = price(CUT, standing(coupon=coupon(offer("gift", code="COMB", units=2)))).steps
    assert (given.payable, given.off, given.by_line) == (None, None, {})


def committing(basket: Asked = CUT, **more: Any) -> CommitBasket:
    return CommitBasket(at=SUNDAY_IN_SHANGHAI, basket_id=BASKET, asked=basket, standing=half(), **more)


def test_a_basket_that_is_refused_tells_why() -> None:
    (paid,) = domain.decide(committing(), domain.initial)
    BASKETS.given(paid).when(committing(asked(line(1, 1)))).rejected("basket-differs", basket_id=BASKET)
    shown = {"total_minor": 1_000, "expected_minor": 999}
    BASKETS.when(committing(expected_minor=999)).rejected("basket-costs-otherwise", **shown)
    undone = RollBackBasket(at=SUNDAY_IN_SHANGHAI, basket_id=BASKET, reason="sale-void")
    BASKETS.when(undone).rejected("basket-unknown", basket_id=BASKET)
    late = CommitBasket(at=SUNDAY_IN_SHANGHAI, basket_id=BASKET, asked=CUT, standing=half("inactive"))
    BASKETS.when(late).rejected("coupon-inactive", active_from=NEXT_SECOND)


def test_a_basket_that_was_shown_its_price_is_the_same_basket_again() -> None:
    (paid,) = domain.decide(committing(expected_minor=1_000), domain.initial)
    BASKETS.given(paid).when(committing(expected_minor=1_000)).then()
    BASKETS.given(paid).when(committing()).rejected("basket-differs")
