"""What a basket costs, sentence by sentence; amounts are fen."""

import pytest

from services.loyalty_points.basket.pricing import price
from services.loyalty_points.ratio import payable, taken_off
from tests.services.loyalty_points.basket.stories import (
    BASKET,
    COUPON,
    asked,
    codes,
    coupon,
    line,
    nets,
    offer,
    standing,
    step,
)


@pytest.mark.parametrize(
    ("tier", "pays"), [(None, 10_000), ("ordinary", 9_000), ("silver", 8_500), ("gold", 8_000), ("diamond", 7_500)]
)
def test_each_tier_has_its_price_and_who_is_no_member_pays_the_listed_one(tier: str | None, pays: int) -> None:
    assert price(asked(line(1, 10_000)), standing(tier)).total_minor == pays


def test_a_member_of_whom_no_tier_is_known_pays_as_the_lowest() -> None:
    for known in (standing("amber"), standing(is_member=True)):
        assert price(asked(line(1, 10_000)), known).total_minor == 9_000


def test_a_percentage_is_shown_from_both_sides() -> None:
    told = step(price(asked(line(1, 10_000)), standing("silver")), "tier")
    assert (told.tier, told.payable, told.off, told.off_minor, told.by_line) == (
        "silver",
        "0.85",
        "0.15",
        1_500,
        {1: 1_500},
    )
    assert [taken_off(ratio) for ratio in ("1", "0", "0.875", "0.9999")] == ["0", "1", "0.125", "0.0001"]
    assert [payable(1, "0.5"), payable(3, "0.5"), payable(1, "0.49"), payable(199, "0.85")] == [1, 2, 0, 169]


def test_the_tier_comes_first_then_the_coupon_then_the_points() -> None:
    known = standing("silver", coupon=coupon(offer("percent", payable="0.90")), available=1_000)
    priced = price(asked(line(1, 10_000), line(2, 333), coupon_id=COUPON, points=500), known)
    assert [(one.step, one.off_minor) for one in priced.steps] == [("tier", 1_550), ("coupon", 878), ("points", 500)]
    assert [one.by_line for one in priced.steps] == [{1: 1500, 2: 50}, {1: 850, 2: 28}, {1: 484, 2: 16}]
    assert (priced.list_minor, priced.total_minor, nets(priced)) == (10_333, 7_405, [7_166, 239])
    assert priced.earns == 74


def test_a_basket_will_earn_what_its_receipt_does_by_the_rules_for_lines_and_tiers() -> None:
    earning = {"by_tier": {"gold": "3"}, "excluded": {"codes": ["WAX"]}}
    basket = asked(line(1, 10_000), line(2, 10_000, "WAX"))
    assert price(basket, standing("gold", {"earning": earning})).earns == 240
    assert price(basket, standing("gold")).earns == 160


def test_in_the_month_of_her_birthday_a_basket_will_earn_what_its_receipt_does() -> None:
    double = {"earning": {"bonuses": [{"name": "birthday", "factor": "2", "birthday_month": True}]}}
    for told, earns in ((3, 160), (2, 80), (None, 80)):  # in Shanghai it is March already
        assert price(asked(line(1, 10_000)), standing("gold", double, birthday_month=told)).earns == earns


def test_a_listed_price_earns_nothing_for_who_is_no_member() -> None:
    assert price(asked(line(1, 10_000)), standing()).earns == 0


def test_money_off_is_at_most_what_the_items_cost() -> None:
    known = standing(coupon=coupon(offer("money-off", off_minor=5_000, codes=["CUT"])))
    assert nets(price(asked(line(1, 3_000), line(2, 9_000, "DYE"), coupon_id=COUPON), known)) == [0, 9_000]


def test_a_free_item_is_the_dearest_unit_among_those_it_is_good_on() -> None:
    known = standing(coupon=coupon(offer("free-item", codes=["CUT"])))
    lines = (line(1, 9_000, "DYE"), line(2, 1_001, quantity=2), line(3, 400))
    assert nets(price(asked(*lines, coupon_id=COUPON), known)) == [9_000, 500, 400]


def test_of_three_that_cost_two_fen_together_one_is_worth_nothing() -> None:
    for units, pays in ((1, 1), (2, 0), (3, 0)):
        known = standing(coupon=coupon(offer("free-item", units=units)))
        assert price(asked(line(1, 2, quantity=3), coupon_id=COUPON), known).total_minor == pays


def test_of_three_the_cheapest_is_free_once_or_as_often_as_the_offer_says() -> None:
    lines = (line(1, 3_000, quantity=3), line(2, 500), line(3, 700, quantity=1), line(4, 600))
    for times, expected in ((1, [2_000, 500, 700, 600]), (2, [2_000, 0, 700, 600])):
        known = standing(coupon=coupon(offer("buy-get", buy=2, free=1, times=times)))
        assert nets(price(asked(*lines, coupon_id=COUPON), known)) == expected
    known = standing(coupon=coupon(offer("buy-get", buy=2)))
    too_few = price(asked(line(1, 500, quantity=2), coupon_id=COUPON), known)
    assert codes(too_few) == ["coupon-takes-nothing-off"]


def test_a_gift_is_named_and_nothing_costs_less() -> None:
    known = standing(coupon=coupon(offer("gift", code="COMB", units=2)))
    priced = price(asked(line(1, 500), coupon_id=COUPON), known)
    told = step(priced, "coupon")
    assert (told.gift, told.gift_units, told.off_minor, priced.total_minor) == ("COMB", 2, 0, 500)


def test_an_exclusive_line_has_the_tier_price_and_no_more() -> None:
    terms = {"basket": {"exclusive_codes": ["DYE"]}}
    known = standing("gold", terms, coupon=coupon(offer("percent", payable="0.5")), available=1_000)
    lines = (line(1, 1_000, exclusive=True), line(2, 1_000, "DYE"), line(3, 1_000))
    priced = price(asked(*lines, coupon_id=COUPON, points=1_000), known)
    assert nets(priced) == [800, 800, 0]
    assert step(priced, "points").points == 400


def test_an_adjustment_keeps_its_price() -> None:
    known = standing("gold", coupon=coupon(offer("percent", payable="0.5")))
    priced = price(asked(line(1, 1_000, kind="adjustment"), line(2, 1_000), coupon_id=COUPON), known)
    assert nets(priced) == [1_000, 400]


def test_an_exclusive_coupon_stops_the_points() -> None:
    known = standing(coupon=coupon(offer("percent", payable="0.5", exclusive=True)), available=10)
    priced = price(asked(line(1, 1_000), coupon_id=COUPON, points=10), known)
    assert (priced.total_minor, codes(priced)) == (500, ["coupon-stands-alone"])


def test_points_take_off_no_more_than_the_basket_costs_and_only_those_are_spent() -> None:
    known = standing(terms={"point_minor": 30}, available=1_000)
    told = price(asked(line(1, 100), points=1_000), known)
    assert (step(told, "points").points, told.total_minor) == (3, 10)
    assert codes(price(asked(line(1, 29), points=1), known)) == ["nothing-for-points"]
    assert codes(price(asked(line(1, 100), points=1_001), known)) == ["not-enough-points"]


REFUSALS: dict[str, tuple[dict[str, object], str]] = {
    "another currency": ({"currency": "CAD"}, "coupon-other-currency"),
    "another branch": ({"branches": ["TOR1"]}, "coupon-wrong-branch"),
    "another weekday": ({"weekdays": [6]}, "coupon-wrong-weekday"),
    "another item": ({"codes": ["DYE"]}, "coupon-no-such-item"),
    "another kind": ({"kinds": ["product"]}, "coupon-no-such-item"),
    "too little": ({"minimum_minor": 901}, "coupon-below-minimum"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_coupon_that_does_not_fit_is_told_and_the_rest_is_priced(what: str) -> None:
    words, code = REFUSALS[what]
    known = standing("ordinary", coupon=coupon(offer("percent", payable="0.5", **words)), available=5)
    priced = price(asked(line(1, 1_000), coupon_id=COUPON, points=5), known)
    assert (codes(priced), [one.step for one in priced.steps], priced.total_minor) == ([code], ["tier", "points"], 895)


def test_a_coupon_fits_in_its_branch_on_its_day_on_its_items_and_from_its_minimum() -> None:
    words = {"branches": ["SHA1"], "weekdays": [7], "codes": ["CUT"], "minimum_minor": 900}
    known = standing("ordinary", coupon=coupon(offer("percent", payable="0.5", **words)))
    assert price(asked(line(1, 1_000), coupon_id=COUPON), known).total_minor == 450


@pytest.mark.parametrize("status", ["inactive", "locked", "redeemed", "expired", "voided"])
def test_a_coupon_that_cannot_be_used_says_why(status: str) -> None:
    known = standing(coupon=coupon(offer("percent", payable="0.5"), status))
    assert codes(price(asked(line(1, 1_000), coupon_id=COUPON), known)) == [f"coupon-{status}"]


def test_a_coupon_that_this_checkout_has_locked_is_good_here_alone() -> None:
    known = standing(coupon=coupon(offer("percent", payable="0.5"), "locked"))
    basket = asked(line(1, 1_000), coupon_id=COUPON)
    assert price(basket, known, BASKET).total_minor == 500
    assert codes(price(basket, known, COUPON)) == ["coupon-locked"]


def test_a_coupon_of_another_is_not_told_apart_by_anything_else() -> None:
    basket = asked(line(1, 1_000), coupon_id=COUPON)
    (told,) = price(basket, standing(is_of_another=True)).refused
    assert (told.code, told.facts) == ("coupon-of-another", {"coupon_id": str(COUPON)})
    assert codes(price(basket, standing())) == ["coupon-unknown"]
