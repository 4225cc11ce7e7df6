"""Whatever is bought with whatever coupon and points: each step adds up to the minor unit, no line is below zero."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty_points.basket import pricing
from services.loyalty_points.basket.allocation import largest_remainder
from services.loyalty_points.basket.asked import LARGEST_LINE, Asked, Line, Priced
from services.loyalty_points.basket.knowledge import Standing
from services.loyalty_points.basket.pricing import price
from services.loyalty_points.offer.terms import OfferTerms
from tests.services.loyalty_points.basket.stories import COUPON, asked, coupon, line, offer, standing

MONEY = st.sampled_from([0, 1, 2, 3, 99, 100, 333, 10_001, LARGEST_LINE]) | st.integers(0, 100_000)
RATIOS = st.sampled_from(["0", "0.0001", "0.3333", "0.5", "0.85", "0.9999", "1"])


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    return [
        line(
            number,
            draw(MONEY),
            draw(st.sampled_from(["CUT", "DYE"])),
            kind=draw(st.sampled_from(["service", "product", "adjustment"])),
            quantity=draw(st.integers(1, 5)),
            exclusive=draw(st.booleans()),
        )
        for number in draw(st.lists(st.integers(1, 99), min_size=1, max_size=7, unique=True))
    ]


@st.composite
def offers(draw: st.DrawFn) -> OfferTerms:
    kind = draw(st.sampled_from(["money-off", "percent", "free-item", "buy-get", "gift"]))
    words: dict[str, dict[str, Any]] = {
        "money-off": {"off_minor": draw(st.integers(1, 50_000))},
        "percent": {"payable": draw(RATIOS)},
        "free-item": {"units": draw(st.integers(1, 4))},
        "buy-get": {"buy": draw(st.integers(1, 3)), "free": draw(st.integers(1, 2)), "times": draw(st.integers(1, 3))},
        "gift": {"code": "COMB"},
    }
    return offer(kind, **words[kind], exclusive=draw(st.booleans()), codes=draw(st.sampled_from([[], ["CUT"]])))


@st.composite
def baskets(draw: st.DrawFn) -> tuple[Asked, Standing]:
    told: dict[str, Any] = {"coupon": coupon(draw(offers())), "available": draw(st.integers(0, 5_000))}
    terms = {"point_minor": draw(st.sampled_from([1, 7, 100]))}
    tier = draw(st.sampled_from([None, "ordinary", "silver", "diamond"]))
    basket = asked(*draw(lines()), coupon_id=COUPON, points=draw(st.integers(0, 5_000)))
    return basket, standing(tier, terms, **told)


def check(basket: Asked, known: Standing, priced: Priced) -> None:
    """Hold when the sums are right, by adding alone."""
    lists = {one.line: one.list_minor for one in basket.lines}
    left = dict(lists)
    stopped = {one.line for one in basket.lines if one.exclusive or one.kind == "adjustment"}
    for step in priced.steps:
        assert step.off_minor == sum(step.by_line.values())
        assert step.step == "tier" or not stopped & step.by_line.keys()
        assert step.points <= known.available
        for number, off in step.by_line.items():
            left[number] -= off
            assert off > 0
            assert left[number] >= 0
    assert {one.line: one.net_minor for one in priced.lines} == left
    assert priced.total_minor == sum(left.values())
    assert priced.list_minor == sum(lists.values())
    assert [step.step for step in priced.steps] == sorted(
        {s.step for s in priced.steps}, key=["tier", "coupon", "points"].index
    )
    asked_for = {"coupon"} | ({"points"} if basket.points else set())
    assert asked_for == {s.step for s in priced.steps if s.step != "tier"} | {r.step for r in priced.refused}


@given(baskets())
@settings(max_examples=400, deadline=None)
def test_every_step_adds_up_to_the_minor_unit(story: tuple[Asked, Standing]) -> None:
    check(*story, price(*story))


@given(st.integers(0, 10**15), st.dictionaries(st.integers(1, 50), MONEY, max_size=12))
@settings(max_examples=400, deadline=None)
def test_an_amount_is_spread_whole_and_within_a_unit_of_its_share(amount: int, weights: dict[int, int]) -> None:
    whole = sum(weights.values())
    parts = largest_remainder(min(amount, whole), weights)
    assert sum(parts.values()) == min(amount, whole)
    for number, weight in weights.items():
        share = min(amount, whole) * weight
        assert share // max(whole, 1) <= parts.get(number, 0) <= -(-share // max(whole, 1))


def test_of_equal_rests_the_earlier_lines_come_first() -> None:
    assert largest_remainder(2, {3: 1, 1: 1, 2: 1}) == {1: 1, 2: 1}
    assert largest_remainder(5, {}) == {}
    assert largest_remainder(0, {1: 0, 2: 0}) == {}


def _each_rounded(amount: int, weights: Mapping[int, int]) -> dict[int, int]:
    whole = sum(weights.values())
    return {number: round(amount * weight / whole) for number, weight in weights.items()}


def _all_on_the_first(amount: int, weights: Mapping[int, int]) -> dict[int, int]:
    return {min(weights): amount}


@pytest.mark.parametrize("spread", [_each_rounded, _all_on_the_first], ids=["each-rounded", "all-on-the-first"])
def test_a_planted_bug_is_seen(spread: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    basket, known = asked(line(1, 1), line(2, 50), line(3, 50), coupon_id=COUPON, points=25), standing(available=25)
    check(basket, known, price(basket, known))
    monkeypatch.setattr(pricing, "largest_remainder", spread)
    with pytest.raises(AssertionError):
        check(basket, known, price(basket, known))
