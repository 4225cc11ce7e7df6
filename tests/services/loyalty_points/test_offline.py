"""A till that is offline lets customers spend: what was put by for it, and more; heard whenever, counted once."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.loyalty_points import HoldReleased, PointsEarned, PointsSpentOffline
from contracts.pos import PointsSpentAtTill, spending_id
from services.loyalty_points.domain import AllowPoints, CountSpending, ExpirePoints
from services.loyalty_points.lifetime import AfterDays
from services.loyalty_points.reactions import react
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import (
    BASKET,
    DAY,
    MEI,
    MONDAY,
    OTHER,
    available,
    capture,
    forgive,
    hold,
    redeem,
    refused,
    release,
    with_points,
)
from tests.services.stories import sale

HOUR = timedelta(hours=1)


def allow(books: Books, points: int, allowance_id: UUID = BASKET, **more: Any) -> AllowPoints:
    bound: dict[str, Any] = {"branch": "TOR1", "till": "TOR1-1", "until": books.now + DAY} | more
    return AllowPoints(at=books.now, customer_id=MEI, allowance_id=allowance_id, points=points, **bound)


def spend(books: Books, points: int, number: str = "R1", till: str = "TOR1-1", **more: Any) -> CountSpending:
    at = more.get("at", books.now)
    return CountSpending(
        at=at,
        customer_id=MEI,
        spending_id=spending_id("TOR1", till, number),
        branch="TOR1",
        till=till,
        number=number,
        on=at.date(),
        points=points,
    )


def spent(books: Books, command: CountSpending) -> PointsSpentOffline:
    last = books.handle(command)[-1]
    assert isinstance(last, PointsSpentOffline)
    return last


def standing(books: Books) -> tuple[int, int, int]:
    """Return what can be spent, is put by, and is owed."""
    account = books.accounts[MEI]
    return account.available(books.now), account.reserved(books.now), account.as_of(books.now).debt


def test_a_till_spends_of_its_allowance_receipt_by_receipt_and_the_rest_comes_back() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    assert standing(books) == (10, 20, 0)
    first, second = spent(books, spend(books, 8)), spent(books, spend(books, 7, "R2"))
    assert [use.points for use in (*first.allowances, *second.allowances)] == [8, 7]
    assert first.lots == second.lots == ()
    assert standing(books) == (10, 5, 0)
    books.now += DAY
    (back,) = books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert isinstance(back, HoldReleased)
    assert (back.points, standing(books)) == (5, (15, 0, 0))


def test_an_allowance_that_is_used_up_has_ended() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    books.handle(spend(books, 20))
    assert books.accounts[MEI].holds == ()
    books.now += DAY
    assert books.handle(ExpirePoints(at=books.now, customer_id=MEI)) == []
    assert standing(books) == (10, 0, 0)


def test_the_same_receipt_counts_once() -> None:
    books = with_points()
    books.handle(spend(books, 8))
    assert books.handle(spend(books, 8)) == books.handle(spend(books, 25)) == []
    assert standing(books) == (22, 0, 0)


def test_more_than_the_allowance_is_taken_from_the_rest_and_what_is_missing_is_owed() -> None:
    books = with_points()
    books.handle(allow(books, 5))
    beyond = spent(books, spend(books, 40))
    assert (beyond.allowances[0].points, sum(part.points for part in beyond.lots), beyond.owed) == (5, 25, 10)
    assert standing(books) == (0, 0, 10)
    (earned,) = (e for e in books.hear([sale("9", (MEI, 1_500), at=MONDAY)]).entries[MEI][-1:])
    assert isinstance(earned, PointsEarned)
    assert (earned.repaid, standing(books)) == (10, (5, 0, 0))


def test_another_tills_allowance_is_not_touched() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    other = spent(books, spend(books, 15, till="TOR1-2"))
    assert (other.allowances, other.owed, standing(books)) == ((), 5, (0, 20, 5))


def test_who_never_earned_owes_what_the_till_let_her_spend() -> None:
    books = Books(now=MONDAY)
    assert spent(books, spend(books, 30)).owed == 30
    assert standing(books) == (0, 0, 30)


def test_spending_after_the_allowance_was_over_is_not_of_it() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    books.now += 2 * DAY
    late = spent(books, spend(books, 8, at=books.now - DAY + HOUR))
    assert (late.allowances, standing(books)) == ((), (22, 0, 0))


def test_what_is_heard_after_the_allowance_lapsed_counts_as_of_its_own_time() -> None:
    early, late = with_points(), with_points()
    for books in (early, late):
        books.handle(allow(books, 20))
    at = early.now + HOUR
    early.now = at
    early.handle(spend(early, 18, at=at))
    for books in (early, late):
        books.now = MONDAY + 11 * DAY  # the allowance has lapsed, and the first lot is over, then the second
        books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    heard = spent(late, spend(late, 18, at=at))
    assert heard.allowances[0].points == 18
    assert sum(part.points for part in heard.from_expired) == 18
    assert standing(early) == standing(late)
    assert early.accounts[MEI].expired == late.accounts[MEI].expired == 2


def test_points_that_expired_since_pay_for_what_was_spent_before() -> None:
    books = with_points()
    at, books.now = books.now, MONDAY + 10 * DAY
    books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert (books.accounts[MEI].expired, standing(books)) == (10, (20, 0, 0))
    late = spent(books, spend(books, 12, at=at))
    assert [part.points for part in late.from_expired] == [10]
    assert (books.accounts[MEI].expired, standing(books)) == (0, (18, 0, 0))


def test_points_that_wait_pay_last_for_what_a_till_let_her_spend() -> None:
    books = with_points(Terms(pending_days=3, expiry=AfterDays(days=9)))
    late = spent(books, spend(books, 25))
    assert sorted((part.on.day, part.points) for part in late.lots) == [(2, 10), (3, 10), (4, 5)]
    assert (late.owed, books.accounts[MEI].waiting(books.now)) == (0, 5)


def test_points_that_were_over_before_pay_for_nothing() -> None:
    books = with_points()
    books.now = MONDAY + 20 * DAY
    late = spent(books, spend(books, 12))
    assert (late.owed, late.lots, late.from_expired) == (12, (), ())


def test_a_till_whose_clock_is_ahead_spends_now() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    ahead = spent(books, spend(books, 8, at=books.now + 26 * HOUR))
    assert (ahead.allowances[0].points, standing(books)) == (8, (10, 12, 0))


def test_what_the_desk_has_spent_meanwhile_stands_and_the_till_makes_a_debt() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    at, books.now = books.now, books.now + DAY
    books.handle(redeem(books, 30, OTHER))
    late = spent(books, spend(books, 20, at=at))
    assert (late.owed, standing(books)) == (20, (0, 0, 20))
    books.handle(forgive(books, 20))
    assert standing(books) == (0, 0, 0)


def test_a_till_holds_no_more_of_hers_than_the_terms_allow() -> None:
    books = with_points(Terms.model_validate({"expiry": AfterDays(days=9), "desk": {"offline_points": 20}}))
    assert refused(books, allow(books, 21), "allowance-too-large").facts == {"most": 20, "held": 0, "asked": 21}
    books.handle(allow(books, 12))
    assert books.handle(allow(books, 12)) == []
    refused(books, allow(books, 13), "hold-differs")
    refused(books, allow(books, 9, OTHER), "allowance-too-large")
    books.handle(allow(books, 9, OTHER, till="TOR1-2"))
    books.handle(spend(books, 4))
    books.handle(allow(books, 9, uuid5(MEI, "more")))
    books.now += DAY
    books.handle(allow(books, 20, uuid5(MEI, "again")))


def test_an_allowance_is_the_tills_alone() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    refused(books, capture(books, 20), "hold-of-a-till")
    refused(books, release(books), "hold-of-a-till")
    refused(books, hold(books, 20), "hold-differs")
    refused(books, redeem(books, 20), "redemption-differs")
    refused(books, allow(books, 20, OTHER, until=books.now), "hold-over")
    refused(books, allow(books, 11, OTHER), "not-enough-points")
    assert available(books) == 10


def test_pos_says_it_and_the_ledger_counts_it() -> None:
    news = PointsSpentAtTill(
        at=MONDAY,
        spending_id=spending_id("TOR1", "TOR1-1", "R1"),
        branch="TOR1",
        till="TOR1-1",
        number="R1",
        zone="America/Toronto",
        on=MONDAY.date(),
        customer_id=MEI,
        points=8,
    )
    assert react(news) == [spend(with_points(), 8, at=MONDAY)]
