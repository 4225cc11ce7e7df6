"""The oracle against examples worked out by hand: the join minimum is 500.00, and a point is earned for each 1.00."""

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from branchline.simulation.journal import Entry
from branchline.simulation.oracle import Dated, Figures, Ref, Rules, Told, Truth, name_of, work_out

RULES = Rules(Dated([(None, 500_00)]), Dated([(None, Fraction(1, 100))]))
ANN, BEN = {"phone": "+14165550100"}, {"card": "B-1"}
ANN_NAME, BEN_NAME = "phone:+14165550100", "card:B-1"
TORONTO = ZoneInfo("America/Toronto")


def told(kind: str, at: str, data: dict[str, Any], *, till: str = "TOR1-1", must: str = "accepted") -> Told:
    item = {"seq": 1, "type": kind, "occurred_at": f"2026-11-22T{at}-05:00", "data": data}
    return Told("TOR1", TORONTO, till, Entry(item, must))


def sale(number: str, at: str, *amounts: Any, customer: Any = ANN, **how: Any) -> Told:
    """An amount is a line of the receipt's customer, a pair is a line of somebody else."""
    lines = [
        {"net_minor": amount[0], "customer": amount[1]} if isinstance(amount, tuple) else {"net_minor": amount}
        for amount in amounts
    ]
    return told("sale", at, {"receipt": number, "customer": customer, "lines": lines}, **how)


def refund(number: str, at: str, line: int, amount: int, **data: Any) -> Told:
    return told("refund", at, {"receipt": number, "lines": [{"line": line, "amount_minor": amount}], **data})


def points(truth: Truth, name: str = ANN_NAME) -> dict[str, int]:
    return {ref.number: earned for ref, earned in truth.people[name].points.items()}


def test_the_receipt_that_reaches_the_minimum_makes_a_member_and_earns_with_all_after_it() -> None:
    truth = work_out([sale("3", "12:00:00", 99), sale("1", "10:00:00", 499_99), sale("2", "11:00:00", 500_00)], RULES)
    assert truth.people[ANN_NAME].joined == Ref("TOR1", "TOR1-1", "2")
    assert points(truth) == {"2": 500, "3": 0}
    assert truth.people[ANN_NAME].spend_minor == 1000_98


def test_receipts_of_the_same_second_follow_their_numbers_by_value() -> None:
    truth = work_out([sale("10", "10:00:00", 700_00), sale("9", "10:00:00", 80_00)], RULES)
    assert points(truth) == {"10": 700}


def test_only_ones_own_lines_count_also_the_negative_ones() -> None:
    joined = work_out([sale("1", "10:00:00", 520_00, -20_00, (900_00, BEN), (50_00, None))], RULES)
    assert (points(joined), points(joined, BEN_NAME)) == ({"1": 500}, {"1": 900})
    short = work_out([sale("1", "10:00:00", 520_00, -20_01, (900_00, BEN))], RULES)
    assert (short.people[ANN_NAME].joined, points(short)) == (None, {})


def test_a_refund_takes_points_back_and_never_the_membership() -> None:
    truth = work_out([refund("1", "09:00:00", 1, 499_01), sale("1", "10:00:00", 600_00)], RULES)
    assert truth.people[ANN_NAME].joined
    assert points(truth) == {"1": 100}
    assert truth.people[ANN_NAME].balance == 100


def test_a_tier_is_that_of_the_spend_that_refunds_have_left_and_only_members_have_one() -> None:
    rules = Rules(RULES.join_minimum, RULES.rate, ((0, "ordinary"), (1000_00, "silver")))
    sales = [sale("1", "10:00:00", 600_00), sale("2", "11:00:00", 400_00), sale("3", "12:00:00", 9, customer=BEN)]
    assert [work_out(sales, rules).people[name].tier for name in (ANN_NAME, BEN_NAME)] == ["silver", None]
    assert work_out([*sales, refund("2", "13:00:00", 1, 1)], rules).people[ANN_NAME].tier == "ordinary"


def test_a_refund_at_the_next_till_counts_on_its_own_day() -> None:
    back = told(
        "refund",
        "23:59:59",
        {"receipt": "1", "till": "TOR1-1", "lines": [{"line": 1, "amount_minor": 5}]},
        till="TOR1-2",
    )
    truth = work_out([sale("1", "10:00:00", 50), back], RULES)
    assert truth.days == {("TOR1", date(2026, 11, 22)): Figures(1, 1, 50, 5)}


def test_a_person_below_zero_on_a_receipt_earns_nothing_on_it() -> None:
    truth = work_out([sale("1", "10:00:00", 500_00), sale("2", "11:00:00", -30_00, (80_00, BEN))], RULES)
    assert points(truth) == {"1": 500, "2": 0}


def test_a_receipt_told_twice_counts_once_and_what_must_be_parked_not_at_all() -> None:
    once = sale("1", "10:00:00", 500_00)
    again = sale("1", "10:00:00", 500_00, must="duplicate")
    bad = sale("2", "10:00:00", -5, must="parked/receipt-negative")
    truth = work_out([once, again, bad], RULES)
    assert truth.days == {("TOR1", date(2026, 11, 22)): Figures(1, 1, 500_00, 0)}
    assert points(truth) == {"1": 500}


def test_a_day_is_the_branches_own() -> None:
    late = Told(
        "TOR1",
        TORONTO,
        "TOR1-1",
        Entry({"seq": 1, "type": "sale", "occurred_at": "2026-11-23T04:59:59Z", "data": {
            "receipt": "1", "customer": None, "lines": [{"net_minor": 1}]}}),
    )  # fmt: skip
    assert list(work_out([late], RULES).days) == [("TOR1", date(2026, 11, 22))]


def test_the_policy_is_the_one_of_the_receipts_time() -> None:
    noon = datetime(2026, 11, 22, 17, tzinfo=UTC)
    rules = Rules(Dated([(None, 500_00), (noon, 100_00)]), Dated([(None, Fraction(1, 100)), (noon, Fraction(3, 200))]))
    truth = work_out([sale("1", "11:59:59", 499_00), sale("2", "12:00:00", 101_00)], rules)
    assert points(truth) == {"2": 151}


@pytest.mark.parametrize("written", ["+14165550100", "+1 (416) 555-0100", "+1-416-555-0100"])
def test_a_phone_is_one_however_it_is_written(written: str) -> None:
    assert name_of({"phone": written}) == ANN_NAME


def test_who_only_comes_in_is_a_customer_too() -> None:
    truth = work_out(
        [told("check-in", "10:00:00", {"customer": ANN}), told("check-in", "10:00:00", {"customer": None})], RULES
    )
    assert list(truth.people) == [ANN_NAME]
