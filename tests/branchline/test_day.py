"""The simulated days: the same seed makes the same ones, and all that can go wrong at tills is in them."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from random import Random
from zoneinfo import ZoneInfo

from branchline.simulation.day import Happening, habits, happenings
from branchline.simulation.floor import Counter, Floor
from branchline.simulation.mischief import KINDS
from branchline.simulation.oracle import name_of
from branchline.simulation.town import Town

BEGAN_AT = datetime(2026, 11, 22, 15, tzinfo=UTC)
ZONE = ZoneInfo("America/Vancouver")


def played(seed: str, count: int = 4000, *, next_seq: int = 1) -> list[Happening]:
    counters = {till: Counter(till, next_seq) for till in ("VAN1-1", "VAN1-2")}
    floor = Floor("VAN1", ZONE, "CAD", 500_00, Town(seed, ["VAN1", "VIC1"], 200), Random(seed), counters)
    return list(islice(happenings(floor, BEGAN_AT, 2.0, {"VAN1-2": 4.0}, {}), count))


DAY = played("one")


def test_the_same_seed_makes_the_same_day_and_another_one_another() -> None:
    assert played("one") == DAY
    assert played("two") != DAY


def test_things_happen_in_order_and_each_till_counts_without_gaps() -> None:
    assert all(before.offset <= after.offset for before, after in pairwise(DAY))
    for till in ("VAN1-1", "VAN1-2"):
        seqs = [one.entry.seq for one in DAY if one.till == till and one.entry.must != "parked/seq-reused"]
        assert seqs == list(range(1, len(seqs) + 1))


def test_a_till_that_was_away_has_kept_hours_of_events() -> None:
    kept = [one for one in DAY if one.offset < 0]
    times = [datetime.fromisoformat(one.entry.item["occurred_at"]) for one in kept if one.entry.must == "accepted"]
    assert {one.till for one in kept} == {"VAN1-2"}
    assert max(times) - min(times) > timedelta(hours=2)


def test_every_kind_of_mischief_and_of_receipt_happens() -> None:
    assert len({one.entry.must for one in DAY}) == len(KINDS) + 1
    sales = [one.entry.item["data"] for one in DAY if one.entry.item["type"] == "sale" and one.entry.must == "accepted"]
    nets = {sum(line["net_minor"] for line in sale["lines"]) for sale in sales}
    assert {499_99, 500_00, 500_01} <= nets
    assert any(line["net_minor"] < 0 for sale in sales for line in sale["lines"])
    assert any(line.get("customer", 0) is None for sale in sales for line in sale["lines"])
    assert any(len({name_of(line.get("customer", sale["customer"])) for line in sale["lines"]}) > 1 for sale in sales)
    assert any(sale["customer"] is None for sale in sales)
    refunds = [one.entry.item["data"] for one in DAY if one.entry.item["type"] == "refund"]
    assert {"till" in refund for refund in refunds} == {True, False}


def test_no_receipt_that_must_be_accepted_is_below_zero_and_no_refund_beyond_it() -> None:
    left: dict[tuple[str, str], list[int]] = {}
    for one in DAY:
        data = one.entry.item["data"]
        if one.entry.must != "accepted":
            continue
        if one.entry.item["type"] == "sale":
            left[one.till, data["receipt"]] = [line["net_minor"] for line in data["lines"]]
            assert sum(left[one.till, data["receipt"]]) >= 0
        elif one.entry.item["type"] == "refund":
            lines = left[data.get("till", one.till), data["receipt"]]
            for line in data["lines"]:
                lines[line["line"] - 1] -= line["amount_minor"]
                assert lines[line["line"] - 1] >= 0
            assert sum(lines) >= 0


def test_people_go_to_several_branches_by_phone_or_card_but_one_and_the_same_way() -> None:
    town, chance = Town("x", ["A", "B"], 300), Random(1)
    names = {branch: {name_of(town.somebody(branch, chance).key(chance)) for _ in range(2000)} for branch in ("A", "B")}
    assert names["A"] & names["B"]
    assert {str(name).partition(":")[0] for name in names["A"]} == {"phone", "card"}


def test_a_till_that_sold_in_an_earlier_session_sells_nothing_before_that() -> None:
    counters = {"VAN1-1": Counter("VAN1-1", 50, 40)}
    floor = Floor("VAN1", ZONE, "CAD", 500_00, Town("x", ["VAN1"], 20), Random("x"), counters)
    sold_last = BEGAN_AT - timedelta(minutes=30)
    first = next(happenings(floor, BEGAN_AT, 1.0, {"VAN1-1": 9.0}, {"VAN1-1": sold_last}))
    assert datetime.fromisoformat(first.entry.item["occurred_at"]) >= sold_last
    assert first.entry.seq == 50


def test_in_two_dozen_tills_there_is_every_habit() -> None:
    tills = [habits(place, Random(place)) for place in range(24)]
    assert sum(till.hours_away > 0 for till in tills) == 4
    assert all(any(getattr(till, habit) > 0.05 for till in tills) for habit in ("repeats", "shuffles", "naps"))
