"""What a receipt earns, rule by rule, with numbers worked out by hand. Amounts are minor units of dollars."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from pydantic import ValidationError

from services.loyalty_points.earning import Bonus, Earning
from services.loyalty_points.periods import days_of
from services.loyalty_points.terms import Terms
from services.loyalty_points.worth import Circumstances, Item, Sold, worth

CUT, COLOUR = Item("service", "CUT"), Item("service", "COLOUR")
SHAMPOO, DISCOUNT = Item("product", "SHAMPOO"), Item("adjustment", "OFF")
TUESDAY = date(2026, 3, 3)  # the afternoon in Toronto, the night after it in Beijing
AT = datetime(2026, 3, 3, 19, 30, tzinfo=UTC)


def earns(
    earning: dict[str, Any], *lines: tuple[int, Item], tier: str | None = None, month: int | None = None, **terms: Any
) -> dict[str, int]:
    known = Circumstances("TOR1", "America/Toronto", TUESDAY, AT, tier, month)
    sold = {number: Sold(*line) for number, line in enumerate(lines, start=1)}
    amounts = {number: line.net_minor for number, line in sold.items()}
    return worth(Terms(earning=Earning.model_validate(earning), **terms), known, sold, amounts)


def bonus(**known: Any) -> dict[str, Any]:
    return {"bonuses": [{"name": "b"} | known]}


def test_the_presets_give_a_point_for_each_whole_unit_of_all_lines() -> None:
    assert earns({}, (8_250, CUT), (1_199, SHAMPOO), (-500, DISCOUNT), tier="gold") == {"base": 89}


def test_a_line_earns_at_the_first_rate_that_fits_it() -> None:
    rates = [
        {"codes": ["COLOUR"], "points_per_unit": "1.5"},
        {"kinds": ["service"], "branches": ["TOR2"], "points_per_unit": "9"},
        {"kinds": ["product"], "points_per_unit": "0.5"},
    ]
    # 100.50 x 1.5 + 33.30 x 1 + 21.10 x 0.5 = 150.75 + 33.30 + 10.55 = 194.60
    assert earns({"rates": rates}, (10_050, COLOUR), (3_330, CUT), (2_110, SHAMPOO)) == {"base": 194}


def test_a_rate_of_another_branch_is_not_ours_and_one_of_ours_is() -> None:
    for branch, points in (("TOR2", 10), ("TOR1", 70)):
        assert earns({"rates": [{"branches": [branch], "points_per_unit": "7"}]}, (1_000, CUT)) == {"base": points}


@pytest.mark.parametrize(
    ("excluded", "points"),
    [
        ({}, 105),  # 82.50 + 30.00 - 7.00
        ({"kinds": ["adjustment"]}, 112),
        ({"negative": True}, 112),
        ({"kinds": ["product", "adjustment"]}, 82),
        ({"codes": ["CUT"]}, 23),
    ],
)
def test_lines_that_are_excluded_neither_earn_nor_take_off(excluded: dict[str, Any], points: int) -> None:
    assert earns({"excluded": excluded}, (8_250, CUT), (3_000, SHAMPOO), (-700, DISCOUNT)) == {"base": points}


def test_the_tier_multiplies_before_it_is_rounded() -> None:
    by_tier = {"by_tier": {"gold": "1.5", "basic": "0.5"}}
    assert earns(by_tier, (875, CUT), tier="gold") == {"base": 8, "tier/gold": 5}  # 13.125
    assert earns(by_tier, (875, CUT), tier="basic") == {"base": 8, "tier/basic": -4}  # 4.375
    assert earns(by_tier, (875, CUT), tier="silver") == {"base": 8}
    assert earns(by_tier, (875, CUT)) == {"base": 8}


def test_a_bonus_multiplies_what_its_lines_earn_at_their_tier() -> None:
    twice = bonus(factor="2", kinds=["service"]) | {"by_tier": {"gold": "1.5"}}
    # (10.50 + 3.33) x 1.5 = 20.745, and 10.50 x 1.5 = 15.75 once more: 36.495
    assert earns(twice, (1_050, CUT), (333, SHAMPOO), tier="gold") == {"base": 13, "tier/gold": 7, "bonus/b": 16}


def test_of_bonuses_that_hold_at_once_a_line_has_the_highest_and_of_equals_the_first() -> None:
    overlapping = {
        "bonuses": [
            {"name": "double", "factor": "2"},
            {"name": "colour", "factor": "3", "codes": ["COLOUR"]},
            {"name": "late", "factor": "2"},
        ]
    }
    assert earns(overlapping, (1_000, CUT), (1_000, COLOUR)) == {"base": 20, "bonus/double": 10, "bonus/colour": 20}


def test_a_bonus_never_takes_off() -> None:
    assert earns(bonus(factor="2", kinds=["adjustment"]), (1_000, CUT), (-500, DISCOUNT)) == {"base": 5}


def test_a_point_that_two_bonuses_make_together_is_of_the_later_in_the_list() -> None:
    two = {
        "bonuses": [
            {"name": "cut", "factor": "2", "codes": ["CUT"]},
            {"name": "colour", "factor": "2", "codes": ["COLOUR"]},
        ]
    }
    # 1.50 each: 3, then 4.50, then 6
    assert earns(two, (150, CUT), (150, COLOUR)) == {"base": 3, "bonus/cut": 1, "bonus/colour": 2}


def test_extra_points_are_the_most_that_the_receipt_is_good_for_and_come_beside_a_factor() -> None:
    extra = {
        "bonuses": [
            {"name": "double", "factor": "2"},
            {"name": "five", "extra": 5},
            {"name": "shampoo", "extra": 50, "codes": ["SHAMPOO"]},
        ]
    }
    assert earns(extra, (1_000, CUT)) == {"base": 10, "bonus/double": 10, "bonus/five": 5}
    assert earns(extra, (1_000, SHAMPOO)) == {"base": 10, "bonus/double": 10, "bonus/shampoo": 50}
    assert earns(extra, (0, CUT)) == {}


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"weekdays": ["tuesday"]}, True),
        ({"weekdays": ["monday", "wednesday"]}, False),
        ({"from_on": "2026-03-03", "to_on": "2026-03-03"}, True),
        ({"from_on": "2026-03-04"}, False),
        ({"to_on": "2026-03-02"}, False),
        ({"from_time": "14:30"}, True),
        ({"from_time": "14:31"}, False),
        ({"to_time": "14:30"}, False),
        ({"to_time": "14:31"}, True),
        ({"branches": ["TOR1"]}, True),
        ({"branches": ["TOR2"]}, False),
        ({"codes": ["COLOUR"]}, False),
        ({"kinds": ["product"]}, False),
    ],
)
def test_a_bonus_holds_by_the_branchs_own_clock_for_its_own_lines(when: dict[str, Any], holds: bool) -> None:
    assert earns(bonus(factor="2", **when), (1_000, CUT)) == {"base": 10} | ({"bonus/b": 10} if holds else {})


def test_a_bonus_in_a_zone_where_it_is_another_day() -> None:
    bonus_ = Bonus(name="b", factor="2", weekdays=("wednesday",), to_time=time(4))
    beijing = Circumstances("PEK1", "Asia/Shanghai", date(2026, 3, 4), AT)
    terms = Terms(earning=Earning(bonuses=(bonus_,)))
    assert worth(terms, beijing, {1: Sold(1_000, CUT)}, {1: 1_000}) == {"base": 10, "bonus/b": 10}


@pytest.mark.parametrize(
    ("rounding", "net_minor", "points"),
    [("down", 199, 1), ("half-up", 149, 1), ("half-up", 150, 2), ("up", 101, 2), ("up", 100, 1), ("up", -1, 0)],
)
def test_rounding_is_declared(rounding: str, net_minor: int, points: int) -> None:
    assert sum(earns({"rounding": rounding}, (net_minor, CUT)).values()) == points


@pytest.mark.parametrize(("month", "holds"), [(3, True), (2, False), (4, False), (None, False)])
def test_a_bonus_of_the_birthday_month_is_for_whose_month_it_is(month: int | None, holds: bool) -> None:
    own = bonus(factor="2", birthday_month=True)
    assert earns(own, (1_000, CUT), month=month) == {"base": 10} | ({"bonus/b": 10} if holds else {})


def test_rounding_is_once_a_receipt() -> None:
    assert earns({}, (150, CUT), (150, CUT)) == {"base": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rates": [{"points_per_unit": "1,5"}]},
        {"rates": [{"kinds": ["sevice"], "points_per_unit": "1"}]},
        {"by_tier": {"gold": "-1"}},
        {"by_tier": {"Gold!": "1"}},
        {"rounding": "bankers"},
        {"excluded": {"kind": "product"}},
        bonus(),
        bonus(factor="2", extra=5),
        bonus(factor="1"),
        bonus(factor="0.5"),
        bonus(extra=0),
        bonus(factor="2", weekdays=["tue"]),
        bonus(factor="2", from_on="2026-03-02", to_on="2026-03-01"),
        bonus(factor="2", from_time="22:00", to_time="02:00"),
        bonus(factor="2", from_time="09:00", to_time="09:00"),
        bonus(factor="2", from_time="09:00Z"),
        bonus(factor="2", birthday_month="march"),
        bonus(factor="2", cap={"points": 0, "per": "day"}),
        bonus(factor="2", cap={"points": 5, "per": "decade"}),
        {"bonuses": [{"name": "b", "factor": "2"}, {"name": "b", "factor": "3"}]},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Earning.model_validate(wrong)


def test_periods_are_those_of_the_calendar() -> None:
    assert days_of("day", TUESDAY) == (TUESDAY, TUESDAY)
    assert days_of("week", TUESDAY) == (date(2026, 3, 2), date(2026, 3, 8))
    assert days_of("week", date(2026, 3, 8)) == (date(2026, 3, 2), date(2026, 3, 8))
    assert days_of("month", date(2028, 2, 10)) == (date(2028, 2, 1), date(2028, 2, 29))
    assert days_of("year", TUESDAY) == (date(2026, 1, 1), date(2026, 12, 31))
    assert days_of("ever", TUESDAY) == days_of("ever", date(2040, 1, 1))
