"""What is owed to customers is what their lots hold, at every moment; branches owe each other what crosses them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from contracts.loyalty_points import PointsRedeemed
from services.loyalty_points import liability
from services.loyalty_points.domain import CountReceipt
from services.loyalty_points.domain.lots import Lot
from services.loyalty_points.liability import Moved, Owed, month_of, moved, owed
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from shared.errors import Rejected
from shared.message import Event
from tests.services.loyalty_points.acts import SALES, Tale, tales, tell
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import DAY, MEI, MONDAY, capture, hold, redeem, told
from tests.services.stories import joining, sale

Sums = dict[tuple[str, date], Counter[str]]
COLUMNS = Moved._fields[2:]
OF_LOTS = [field.name for field in fields(Lot) if field.name in {"repaid", "drawn", "taken_back", "expired"}]


def of_entries(books: Books) -> Sums:
    """Return what the entries made of each branch's month."""
    sums: Sums = {}
    for event in books.entries.get(MEI, []):
        for branch, month, *points in moved(event):
            sums.setdefault((branch, month), Counter()).update(dict(zip(COLUMNS, points, strict=True)))
    return sums


def of_lots(books: Books) -> Sums:
    """Return the same of the lots and open holds, as the guards keep them."""
    sums: Sums = {}
    for lot in books.lots.get(MEI, {}).values():
        own = {name: getattr(lot, name) for name in OF_LOTS} | {"earned": lot.points, "rest": lot.rest}
        sums.setdefault((lot.branch, month_of(lot.on)), Counter()).update(own)
    for held in (one for one in books.holds.values() if one.ended is None):
        for part in held.lots:
            sums[part.branch, month_of(part.on)]["held"] += part.points
    return sums


def equal(tale: Tale) -> None:
    """Hold when both are the same after each act; raise AssertionError."""
    oracle, books = tale.oracle(), Books(terms=tale.terms)
    for act in tale.acts:
        command, _ = tell(act, tale, oracle, MEI)
        books.now = oracle.now
        if isinstance(command, CountReceipt):
            command = command.model_copy(update={"branch": f"TOR{act.number % SALES % 2}"})
        try:
            if command:
                books.handle(command)
        except Rejected:
            continue
        seen, there_is = of_entries(books), of_lots(books)
        assert {key for key, sums in seen.items() if any(sums.values())} == set(there_is)
        for key, lots in there_is.items():
            row = seen[key]
            assert all(row[name] == lots[name] for name in ("earned", "repaid", "taken_back", "expired", "held"))
            assert row["redeemed"] + row["held"] == lots["drawn"]
            outstanding = row["earned"] - row["repaid"] - row["taken_back"] - row["redeemed"] - row["expired"]
            assert outstanding == lots["rest"] + lots["held"]


def tale_of(examples: int) -> Callable[[], None]:
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(tales())
    def told(tale: Tale) -> None:
        equal(tale)

    return told


def test_what_is_owed_is_what_the_lots_hold_after_every_entry() -> None:
    tale_of(400)()


def keeps_holds(right: Callable[[Event], Iterator[Moved]]) -> Callable[[Event], Iterator[Moved]]:
    return lambda event: (one._replace(held=max(0, one.held)) for one in right(event))


def forgets_what_had_expired(right: Callable[[Event], Iterator[Moved]]) -> Callable[[Event], Iterator[Moved]]:
    return lambda event: (one for one in right(event) if one.expired >= 0)


@pytest.mark.parametrize("planted", [keeps_holds, forgets_what_had_expired])
def test_a_planted_bug_is_seen(planted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.services.loyalty_points.test_liability.moved", planted(liability.moved))
    with pytest.raises(AssertionError):
        tale_of(2000)()


def between(books: Books) -> list[Owed]:
    return [one for event in books.entries[MEI] for one in owed(event)]


def two_branches() -> Books:
    """Return the books of a member with ten points of TOR1 in March and five of TOR2."""
    books = Books(now=MONDAY + 2 * DAY, terms=Terms(expiry=Never()))
    here, there = sale("1", (MEI, 1_000), at=MONDAY), sale("2", (MEI, 500), at=MONDAY + DAY, branch="TOR2")
    return books.hear([here, joining(here, MEI), there])


def test_the_branch_that_gave_points_owes_them_to_the_one_where_they_are_spent() -> None:
    books = two_branches()
    told(books, redeem(books, 12).model_copy(update={"branch": "TOR2"}))
    assert between(books) == [Owed("TOR1", "TOR2", date(2026, 3, 1), 10)]


def test_a_hold_is_owed_for_what_was_captured_of_it_by_the_branch_that_captured() -> None:
    books = two_branches()
    told(books, hold(books, 12))
    assert between(books) == []
    told(books, capture(books, 11).model_copy(update={"branch": "LON1"}))
    march = date(2026, 3, 1)
    assert between(books) == [Owed("TOR1", "LON1", march, 10), Owed("TOR2", "LON1", march, 1)]


def test_what_headquarters_spends_is_owed_to_no_branch() -> None:
    books = two_branches()
    spent = told(books, redeem(books, 12))
    assert isinstance(spent, PointsRedeemed)
    assert (spent.branch, between(books)) == (None, [])
