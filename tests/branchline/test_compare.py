"""The comparison is blind to nothing: whatever is planted in the books, a receipt, a cent or a point, is told."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

import pytest

from branchline.simulation.books import Books, Standing, TillSeen
from branchline.simulation.compare import differences, wrong_answers
from branchline.simulation.day import happenings
from branchline.simulation.floor import Counter, Floor
from branchline.simulation.oracle import Dated, Figures, Rules, Told, Truth, work_out
from branchline.simulation.town import Town
from contracts.pos import sale_id

RULES = Rules(Dated([(None, 500_00)]), Dated([(None, Fraction(1, 100))]), ((0, "ordinary"), (2000_00, "silver")))
BEGAN_AT = datetime(2026, 11, 22, 15, tzinfo=UTC)
TILLS = {"TOR1-1": TillSeen(300, parked=4)}


def day() -> list[Told]:
    counters = {"TOR1-1": Counter("TOR1-1"), "TOR1-2": Counter("TOR1-2")}
    zone = ZoneInfo("America/Toronto")
    floor = Floor("TOR1", zone, "CAD", 500_00, Town("seed", ["TOR1"], 80), Random("day"), counters)
    happened = islice(happenings(floor, BEGAN_AT, 1.0, {"TOR1-1": 5.0}, {}), 600)
    return [Told("TOR1", zone, one.till, one.entry) for one in happened]


DAY = day()
TRUTH = work_out(DAY, RULES)


def books_of(truth: Truth) -> Books:
    """Return the books that say exactly this."""
    people = {
        name: Standing(
            joined=str(sale_id(*person.joined)) if person.joined else None,
            joined_at=person.joined_at,
            tier=person.tier,
            balance=person.balance,
            points={str(sale_id(*ref)): earned for ref, earned in person.points.items() if earned},
            shown_balance=person.balance,
            shown_spend_minor=person.spend_minor,
        )
        for name, person in truth.people.items()
    }
    return Books(deepcopy(dict(truth.days)), people, dict(TILLS))


def a_member(books: Books) -> Standing:
    return books.people[name_of_a_member(books)]


def name_of_a_member(books: Books) -> str:
    return next(name for name, standing in books.people.items() if standing.balance > 1)


def a_day(books: Books) -> Figures:
    return next(iter(books.days.values()))


def drop_a_point(books: Books) -> None:
    standing = a_member(books)
    standing.points[next(iter(standing.points))] -= 1


def join_a_stranger(books: Books) -> None:
    standing = next(standing for standing in books.people.values() if standing.joined is None)
    standing.joined, standing.joined_at = "not known", BEGAN_AT


def join_later(books: Books) -> None:
    standing = a_member(books)
    assert standing.joined_at
    standing.joined_at += timedelta(seconds=1)


def join_by_another(books: Books) -> None:
    a_member(books).joined = str(sale_id("TOR1", "TOR1-1", "99999"))


def change(standing: str, by: int) -> Callable[[Books], None]:
    return lambda books: setattr(a_member(books), standing, getattr(a_member(books), standing) + by)


def count(figure: str, by: int) -> Callable[[Books], None]:
    return lambda books: setattr(a_day(books), figure, getattr(a_day(books), figure) + by)


PLANTED: dict[str, Callable[[Books], None]] = {
    "a receipt too few": count("receipts", -1),
    "a line too many": count("lines", 1),
    "a cent too much": count("gross_minor", 1),
    "a refund lost": count("refunded_minor", -1),
    "a day lost": lambda books: books.days.clear(),
    "a day invented": lambda books: books.days.update({("TOR1", date(2020, 1, 1)): Figures(1, 1, 1, 0)}),
    "a customer lost": lambda books: books.people.update(dict.fromkeys([name_of_a_member(books)], Standing())),
    "a member invented": join_a_stranger,
    "joined a second late": join_later,
    "joined by another receipt": join_by_another,
    "a point too few on a receipt": drop_a_point,
    "points for a receipt twice": lambda books: a_member(books).points.update({"another": 1}),
    "another tier": lambda books: setattr(a_member(books), "tier", "gold"),
    "balance off by one": change("balance", -1),
    "debt from nowhere": change("debt", 1),
    "headquarters shows another balance": change("shown_balance", 1),
    "headquarters shows another spend": change("shown_spend_minor", 1),
    "a till behind": lambda books: books.tills.update({"TOR1-1": TillSeen(299, parked=4)}),
    "a gap": lambda books: books.tills.update({"TOR1-1": TillSeen(300, ((7, 7),), parked=4)}),
    "a bad item lost": lambda books: books.tills.update({"TOR1-1": TillSeen(300, parked=3)}),
    "a till lost": lambda books: books.tills.clear(),
}


def test_books_that_say_the_truth_are_equal_to_it() -> None:
    assert differences(TRUTH, books_of(TRUTH), TILLS) == []


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_difference_is_told(bug: str) -> None:
    books = books_of(TRUTH)
    PLANTED[bug](books)
    assert differences(TRUTH, books, TILLS)


def test_a_receipt_that_never_arrived_is_told() -> None:
    lost = next(one for one in DAY if one.entry.item["type"] == "sale" and one.entry.must == "accepted")
    number = lost.entry.item["data"]["receipt"]
    rest = [one for one in DAY if one.till != lost.till or one.entry.item["data"].get("receipt") != number]
    assert differences(TRUTH, books_of(work_out(rest, RULES)), TILLS)


def test_rounding_up_is_told() -> None:
    generous = replace(RULES, rate=Dated([(None, Fraction(1, 100) + Fraction(1, 10**6))]))
    assert differences(TRUTH, books_of(work_out(DAY, generous)), TILLS)


def test_a_minimum_that_must_be_passed_instead_of_reached_is_told() -> None:
    greedy = replace(RULES, join_minimum=Dated([(None, 500_01)]))
    assert differences(TRUTH, books_of(work_out(DAY, greedy)), TILLS)


def test_order_of_telling_means_nothing_to_the_oracle() -> None:
    shuffled = list(DAY)
    Random(1).shuffle(shuffled)
    assert work_out(shuffled, RULES) == TRUTH


MUSTS = {0: "accepted", 1: "parked/malformed", 2: "duplicate"}
RIGHT = [(0, "accepted"), (1, "parked/malformed"), (2, "duplicate")]


@pytest.mark.parametrize(
    "answers", [RIGHT, [(0, "duplicate"), *RIGHT[1:]], [*RIGHT, (0, "duplicate"), RIGHT[1], RIGHT[2]]]
)
def test_right_answers_are_right(answers: list[tuple[int, str]]) -> None:
    assert wrong_answers("TOR1-1", MUSTS, answers) == []


@pytest.mark.parametrize(
    "answers",
    [
        RIGHT[:2],
        [(0, "parked/malformed"), *RIGHT[1:]],
        [*RIGHT, (0, "accepted")],
        [RIGHT[0], (1, "accepted"), RIGHT[2]],
        [RIGHT[0], (1, "parked/type-unknown"), RIGHT[2]],
        [*RIGHT[:2], (2, "accepted")],
    ],
)
def test_an_answer_lost_taken_twice_or_other_than_it_must_be_is_told(answers: list[tuple[int, str]]) -> None:
    assert wrong_answers("TOR1-1", MUSTS, answers)
