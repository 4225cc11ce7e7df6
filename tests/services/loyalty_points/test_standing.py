"""An account's figures, one by one, worked out by hand; as they stand, and as they are told of the same instant."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest
from pydantic import TypeAdapter

from services.loyalty_points.domain import Account
from services.loyalty_points.domain.totals import Waiting
from services.loyalty_points.lifetime import AfterDays, Never
from services.loyalty_points.standing import standing, stood
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.chronicle import known
from tests.services.loyalty_points.spending import (
    DAY,
    FIRST,
    MEI,
    MONDAY,
    SECOND,
    hold,
    redeem,
    with_points,
)
from tests.services.loyalty_points.test_forgiving import forgive, owing
from tests.services.stories import joining, refund, sale

MIDNIGHT = datetime(2026, 3, 12, 4, tzinfo=UTC)  # in Toronto, when Monday's points of ten days are over
NOTHING: dict[str, Any] = {
    "balance": 0,
    "available": 0,
    "pending": 0,
    "reserved": 0,
    "debt": 0,
    "next_expiry": None,
    "earned": 0,
    "taken_back": 0,
    "redeemed": 0,
    "expired": 0,
    "forgiven": 0,
    "member_since": None,
}


def stands(books: Books, at: datetime | None = None) -> dict[str, Any]:
    """Return what the account answers, which is what its entries say of the instant."""
    at = at or books.now
    told = standing(books.accounts[MEI], at)
    assert stood(known(books.entries[MEI], books), at) == told
    return told


def waiting_three_days() -> Books:
    """Return the books of three lots of ten, the first of which has just begun; she holds four and has spent one."""
    books = with_points(Terms(pending_days=3, expiry=AfterDays(days=9)))
    books.handle(hold(books, 4))
    books.handle(redeem(books, 1, uuid5(MEI, "one")))
    return books


def test_what_she_has_waits_for_is_put_by_and_was_spent() -> None:
    assert stands(waiting_three_days()) == NOTHING | {
        "balance": 5,
        "available": 5,
        "pending": 20,
        "reserved": 4,
        "next_expiry": {"at": MIDNIGHT, "points": 5},
        "earned": 30,
        "redeemed": 1,
        "member_since": MONDAY,
    }


def test_time_alone_gives_back_what_was_put_by_and_begins_and_ends_what_was_earned() -> None:
    assert stands(waiting_three_days(), MIDNIGHT) == NOTHING | {
        "balance": 20,
        "available": 20,
        "next_expiry": {"at": MIDNIGHT + DAY, "points": 10},
        "earned": 30,
        "redeemed": 1,
        "expired": 9,
        "member_since": MONDAY,
    }


def test_points_that_are_over_before_they_begin_are_over() -> None:
    books = with_points(Terms(pending_days=30, expiry=AfterDays(days=9)))
    told = stands(books, MIDNIGHT)
    assert (told["available"], told["pending"], told["expired"]) == (0, 20, 10)


def test_what_was_let_go_and_what_is_owed_still() -> None:
    books = owing(80)
    books.handle(forgive(books, 30))
    assert stands(books) == NOTHING | {"debt": 50, "redeemed": 80, "forgiven": 30}


def test_a_debt_of_a_day_is_told_of_that_day() -> None:
    books = owing(80)
    books.now += DAY
    books.handle(forgive(books, 30))
    told = known(books.entries[MEI], books)
    figures = [stood(told, at) for at in (MONDAY - DAY, MONDAY, MONDAY + DAY)]
    assert [(one["debt"], one["forgiven"]) for one in figures] == [(0, 0), (80, 0), (50, 30)]


def test_a_hold_that_lapses_settles_what_was_owed_meanwhile() -> None:
    books = with_points()
    books.handle(hold(books, 30))
    books.hear([refund(FIRST, (1, 400, 600))])
    assert (stands(books)["debt"], stands(books)["reserved"]) == (4, 30)
    told = stands(books, books.now + DAY)
    assert (told["debt"], told["available"], told["reserved"]) == (0, 26, 0)
    assert told["next_expiry"] == {"at": MIDNIGHT, "points": 6}


def test_a_hold_that_outlasts_its_points_settles_nothing() -> None:
    books = with_points()
    books.handle(hold(books, 20, lasts=8 * DAY))  # to the 13th at ten: Monday's and Tuesday's points are over by then
    books.handle(redeem(books, 10, uuid5(MEI, "ten")))
    books.hear([refund(FIRST, (1, 400, 600))])
    told = stands(books, books.now + 8 * DAY)
    assert (told["debt"], told["available"], told["expired"]) == (4, 0, 20)


def test_a_membership_that_moved_earlier_is_told_as_it_is_known_now() -> None:
    books = Books(now=MONDAY + 5 * DAY, terms=Terms(expiry=Never()))
    books.hear([FIRST, SECOND, joining(SECOND, MEI), joining(FIRST, MEI, moved=True)])
    assert stands(books)["member_since"] == MONDAY
    told = known(books.entries[MEI], books)
    assert stood(told, MONDAY)["member_since"] == MONDAY
    assert stood(told, MONDAY - timedelta(seconds=1))["member_since"] is None


@pytest.mark.parametrize("terms", [Terms(), Terms(pending_days=3), Terms(pending_days=3, expiry=Never())])
def test_an_account_that_was_put_away_is_taken_out_as_it_was(terms: Terms) -> None:
    books = with_points(terms)
    books.handle(hold(books, 4))
    form = TypeAdapter(Account)
    assert form.validate_json(form.dump_json(books.accounts[MEI])) == books.accounts[MEI]


def test_points_that_wait_and_never_end_are_added_up_by_when_they_begin() -> None:
    books = Books(now=MONDAY, terms=Terms(pending_days=3, expiry=Never()))
    books.hear([FIRST, joining(FIRST, MEI), sale("9", (MEI, 500), at=MONDAY), SECOND])
    begins = datetime(2026, 3, 5, 5, tzinfo=UTC)
    assert books.accounts[MEI].pending == (Waiting(begins, None, 15), Waiting(begins + DAY, None, 10))
