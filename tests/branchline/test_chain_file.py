"""A chain file is taken whole or not at all, and each of its faults is told with its line and its place."""

from pathlib import Path

import pytest

from branchline import chain
from branchline.chain_file import ChainFile, NotAChain, read_chain

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
