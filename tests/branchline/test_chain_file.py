"""A chain file is taken whole or not at all, and each of its faults is told with its line and its place."""

from datetime import date, time
from pathlib import Path

import pytest

from branchline import chain
from branchline.chain_file import ChainFile, NotAChain, Points, read_chain
from services.loyalty_points.acts import Limit
from services.loyalty_points.desk_terms import DeskTerms
from services.loyalty_points.terms import Terms

FILES = Path(chain.__file__).with_name("chains")
TORONTO = """\
chain: {name: Demo, currency: CAD}
branches:
  - {code: TOR1, name: Toronto, zone: America/Toronto, region: east, tills: 2}
policies:
  membership: {join_minimum: "100.00"}
  points: {per_currency_unit: 1}
"""


def faults(text: str) -> str:
    with pytest.raises(NotAChain) as refused:
        read_chain(text, "file.yaml")
    return str(refused.value)


def membership(chain: ChainFile) -> dict[str, object]:
    assert chain.policies.membership
    return chain.policies.membership.terms("CAD")


def test_the_files_that_come_with_the_house_can_be_read() -> None:
    demo, toronto = (chain.load(FILES / name) for name in ("demo.yaml", "toronto.yaml"))
    assert (len(demo.branches), len({branch.region for branch in demo.branches})) == (12, 3)
    assert {branch.tills for branch in demo.branches} == {2}
    assert toronto == read_chain(TORONTO)
    assert not {branch.code for branch in demo.branches} & {branch.code for branch in toronto.branches}


def test_money_is_what_is_written_quoted_or_not() -> None:
    for written in ('"100.00"', "100.00", "100"):
        assert membership(read_chain(TORONTO.replace('"100.00"', written))) == {"join_minimum_minor": 10000}


def test_points_come_with_how_many_minor_units_make_one_of_the_currency() -> None:
    points = read_chain(TORONTO).policies.points
    assert points
    assert points.terms("CAD") == {"points_per_unit": "1", "minor_per_unit": 100}
    assert points.terms("JPY") == {"points_per_unit": "1", "minor_per_unit": 1}


def test_what_is_left_out_is_not_mentioned_or_has_its_preset() -> None:
    short = read_chain(TORONTO.partition("policies")[0].replace(", region: east, tills: 2", ""))
    assert (short.branches[0].tills, short.branches[0].till_codes()) == (1, ("TOR1-1",))
    assert short.policies.membership is None
    assert membership(read_chain(TORONTO.replace('join_minimum: "100.00"', ""))) == {"join_minimum_minor": 50000}


def test_tiers_and_a_beginning_can_be_given() -> None:
    text = TORONTO.replace(
        '{join_minimum: "100.00"}', '{from: "2027-01-01T00:00:00-05:00", tiers: [{name: silver, from: "2000.00"}]}'
    )
    policy = read_chain(text).policies.membership
    assert policy
    assert policy.starts_at
    assert policy.starts_at.year == 2027
    assert policy.terms("CAD")["tiers"] == [{"name": "silver", "from_minor": 200000}]


ALL_OF_POINTS = """\
  points:
    per_currency_unit: 1.25
    pending_days: 2
    expiry: {kind: months, months: 12}
    notices_days: [30, 7]
    earning:
      rounding: half-up
      excluded: {kinds: [adjustment], codes: [TOP-UP], negative: true}
      rates:
        - {kinds: [product], points_per_unit: 0.5}
      by_tier: {gold: 1.5}
      bonuses:
        - {name: double-tuesday, factor: 2, weekdays: [tuesday], to_time: "12:00", cap: {points: 500, per: week}}
        - {name: opening, extra: 50, branches: [TOR1], from_on: 2026-12-01, to_on: 2026-12-24}
        - {name: birthday, factor: 3, birthday_month: true}
    acts:
      referral: {points: 200, limit: {times: 10, per: year}}
      survey: {points: 20}
    desk: {offline_points: 300, forgiven_alone: 1000, alone_days: 7, asked_days: 3}
"""
OF_POINTS = "  points: {per_currency_unit: 1}\n"


def test_a_file_can_say_all_of_points_and_the_service_takes_it() -> None:
    points = read_chain(TORONTO.replace(OF_POINTS, ALL_OF_POINTS)).policies.points
    assert points
    told = points.terms("CAD")
    terms = Terms.model_validate(told)
    assert told["expiry"] == {"kind": "months", "months": 12}
    assert (terms.points_per_unit, terms.pending_days, terms.notices_days) == ("1.25", 2, (30, 7))
    assert terms.earning.rates[0].points_per_unit == "0.5"
    assert terms.earning.by_tier == {"gold": "1.5"}
    assert (terms.earning.rounding, terms.earning.excluded.codes) == ("half-up", ("TOP-UP",))
    assert (terms.acts["referral"].limit, terms.acts["survey"].points) == (Limit(times=10, per="year"), 20)
    assert terms.desk == DeskTerms(offline_points=300, forgiven_alone=1000, alone_days=7, asked_days=3)
    tuesday, opening, birthday = terms.earning.bonuses
    assert (tuesday.factor, tuesday.to_time, tuesday.cap and tuesday.cap.points) == ("2", time(12), 500)
    assert (opening.extra, opening.from_on) == (50, date(2026, 12, 1))
    assert [one.birthday_month for one in (tuesday, opening, birthday)] == [False, False, True]


def test_a_file_can_say_every_term_of_points() -> None:
    of_money = {"points_per_unit", "minor_per_unit"}  # per_currency_unit, and what the currency has
    assert Terms.model_fields.keys() - of_money <= Points.model_fields.keys()


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("1.25", "1,25", "file.yaml:7: policies.points.per_currency_unit: String should match"),
        (
            "months: 12",
            "months: many",
            "file.yaml:9: policies.points.expiry.months.months: Input should be a valid int",
        ),
        ("kind: months", "kind: someday", "file.yaml:9: policies.points.expiry: Input tag 'someday'"),
        ("[30, 7]", "[7, 30]", "file.yaml:10: policies.points.notices_days: Value error, notices descend"),
        ("half-up", "sideways", "file.yaml:12: policies.points.earning.rounding: Input should be"),
        ("[product]", "[produce]", "file.yaml:15: policies.points.earning.rates.0.kinds.0: Input should be"),
        ("gold: 1.5", "gold: -1", "file.yaml:16: policies.points.earning.by_tier.gold: String should match"),
        (
            "factor: 2",
            "factor: 1",
            "file.yaml:18: policies.points.earning.bonuses.0: Value error, a bonus has a factor",
        ),
        ("[tuesday]", "[tues]", "file.yaml:18: policies.points.earning.bonuses.0.weekdays.0: Input should be"),
        ("per: week", "per: moon", "file.yaml:18: policies.points.earning.bonuses.0.cap.per: Input should be"),
        (
            "birthday_month: true",
            "birthday_month: march",
            "file.yaml:20: policies.points.earning.bonuses.2.birthday_month: Input should be a valid bool",
        ),
        ("name: opening", "name: double-tuesday", "file.yaml:11: policies.points.earning: Value error, two bonuses"),
        ("times: 10", "times: 0", "file.yaml:22: policies.points.acts.referral.limit.times: Input should be greater"),
        ("desk: {off", "desk: {on", "file.yaml:24: policies.points.desk.online_points: Extra inputs"),
        ("points: 20}", "points: some}", "file.yaml:23: policies.points.acts.survey.points: Input should be a valid"),
    ],
)
def test_a_fault_of_points_is_told_with_its_line_and_place(was: str, becomes: str, told: str) -> None:
    text = TORONTO.replace(OF_POINTS, ALL_OF_POINTS)
    assert was in text
    assert faults(text.replace(was, becomes, 1)).startswith(told)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("America/Toronto", "America/Torono", "file.yaml:3: branches.0.zone: Value error, 'America/Torono' is no time"),
        ("code: TOR1", "code: 'TOR 1'", "file.yaml:3: branches.0.code: String should match"),
        ("tills: 2", "tills: two", "file.yaml:3: branches.0.tills: Input should be a valid integer"),
        ("tills: 2", "till: 2", "file.yaml:3: branches.0.till: Extra inputs are not permitted"),
        ('"100.00"', "a lot", "file.yaml:5: policies.membership.join_minimum: Value error, 'a lot' is not a decimal"),
        ('"100.00"', '"-1"', "file.yaml:5: policies.membership.join_minimum: Value error, is below zero"),
        ("currency: CAD", "currency: dollars", "file.yaml:1: chain.currency: String should match"),
        ("policies:", "policy:", "file.yaml:4: policy: Extra inputs are not permitted"),
        ("  points:", "  membership: {}\n  points:", "file.yaml:6: membership: is written twice"),
        ("{name: Demo", "{name: [", "file.yaml:1: expected"),
        ("chain: {name: Demo, currency: CAD}", "", "file.yaml:1: chain: Field required"),
    ],
)
def test_a_fault_is_told_with_its_line_and_place(was: str, becomes: str, told: str) -> None:
    assert faults(TORONTO.replace(was, becomes)).startswith(told)


def test_all_faults_are_told_at_once() -> None:
    assert len(faults(TORONTO.replace("tills: 2", "tills: two").replace('"100.00"', "x")).splitlines()) == 2


def test_a_branch_named_twice_is_refused() -> None:
    line = "  - {code: TOR1, name: Again, zone: America/Toronto}\npolicies:"
    assert "branches are named twice: TOR1" in faults(TORONTO.replace("policies:", line))


@pytest.mark.parametrize("text", ["", "[]", "chain"])
def test_what_is_no_chain_at_all_is_refused(text: str) -> None:
    assert faults(text)
