"""Points are held, captured, released and redeemed, sentence by sentence; time alone gives back and takes away."""

from datetime import timedelta
from uuid import uuid5

import pytest

from contracts.loyalty_points import (
    HoldReleased,
    PointsHeld,
    PointsRedeemed,
    Release,
)
from contracts.money import LARGEST
from services.loyalty_points.lifetime import AfterDays, Never
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.spending import (
    BASKET,
    DAY,
    MEI,
    MONDAY,
    OTHER,
    available,
    capture,
    days_and_points,
    forgive,
    hold,
    redeem,
    refused,
    release,
    told,
    with_points,
)
from tests.services.stories import sale


def test_what_expires_soonest_is_drawn_first() -> None:
    books = with_points()
    spent = told(books, redeem(books, 15))
    assert days_and_points(spent) == [(2, 10), (3, 5)]
    assert isinstance(spent, PointsRedeemed)
    assert (spent.balance, spent.booked_at) == (15, books.now)


def test_of_what_never_expires_the_earliest_is_drawn_first_and_after_all_that_does() -> None:
    books = with_points(Terms(expiry=Never()))
    books.terms = Terms(expiry=AfterDays(days=30))
    books.hear([sale("9", (MEI, 1_000), at=MONDAY + 2 * DAY)])
    assert days_and_points(told(books, redeem(books, 25))) == [(4, 10), (2, 10), (3, 5)]


def test_more_than_is_available_is_refused_with_what_is() -> None:
    books = with_points()
    assert refused(books, redeem(books, 31), "not-enough-points").facts == {"available": 30, "asked": 31}
    assert refused(books, hold(books, 31), "not-enough-points").facts == {"available": 30, "asked": 31}


def test_held_points_are_nobody_elses_and_a_hold_ends_once() -> None:
    books = with_points()
    held = told(books, hold(books, 20))
    assert isinstance(held, PointsHeld)
    assert (held.balance, books.accounts[MEI].reserved(books.now)) == (10, 20)
    refused(books, redeem(books, 11, OTHER), "not-enough-points")
    back = told(books, release(books))
    assert isinstance(back, HoldReleased)
    assert (back.why, back.balance) == (Release.RELEASED, 30)
    assert refused(books, capture(books, 1), "hold-ended").facts == {"how": "released"}
    assert books.handle(release(books)) == []


def test_what_is_not_captured_of_a_hold_goes_back_to_the_lots_that_last_longest() -> None:
    books = with_points()
    told(books, hold(books, 20))
    spent = told(books, capture(books, 13))
    assert isinstance(spent, PointsRedeemed)
    assert days_and_points(spent) == [(2, 10), (3, 3)]
    assert [(part.on.day, part.points) for part in spent.returned] == [(3, 7)]
    assert (available(books), books.accounts[MEI].redeemed) == (17, 13)
    refused(books, release(books), "hold-ended")
    refused(books, capture(books, 12), "hold-ended")
    assert books.handle(capture(books, 13)) == []


def test_more_than_was_held_is_not_captured() -> None:
    books = with_points()
    told(books, hold(books, 5))
    assert refused(books, capture(books, 6), "more-than-held").facts == {"held": 5, "asked": 6}


def test_the_same_hold_or_redemption_again_says_nothing_and_another_one_by_its_name_is_refused() -> None:
    books = with_points()
    told(books, hold(books, 5))
    books.now += timedelta(minutes=1)
    assert books.handle(hold(books, 5)) == []
    refused(books, hold(books, 6), "hold-differs")
    refused(books, hold(books, 5, lasts=2 * DAY), "hold-differs")
    told(books, redeem(books, 5, OTHER))
    assert books.handle(redeem(books, 5, OTHER)) == []
    refused(books, redeem(books, 6, OTHER), "redemption-differs")
    refused(books, hold(books, 5, OTHER), "hold-differs")
    refused(books, release(books, OTHER), "hold-unknown")


def test_a_hold_whose_time_is_over_does_not_count_before_anything_has_fired() -> None:
    books = with_points()
    told(books, hold(books, 30))
    books.now += DAY
    assert (available(books), books.accounts[MEI].reserved(books.now)) == (30, 0)
    assert refused(books, capture(books, 1), "hold-ended").facts == {"how": "lapsed"}
    lapsed, spent = books.handle(redeem(books, 30, OTHER))
    assert isinstance(lapsed, HoldReleased)
    assert (lapsed.why, lapsed.at) == (Release.LAPSED, books.holds[MEI, BASKET].until)
    assert days_and_points(spent) == [(2, 10), (3, 10), (4, 10)]


def test_twenty_holds_are_enough() -> None:
    books = with_points()
    for number in range(20):
        told(books, hold(books, 1, uuid5(MEI, f"hold {number}")))
    assert refused(books, hold(books, 1), "too-many-holds").facts == {"most": 20}
    books.now += DAY
    assert isinstance(books.handle(hold(books, 1))[-1], PointsHeld)


@pytest.mark.parametrize("points", [0, -1, LARGEST + 1, 2**63])
def test_what_is_no_number_of_points_is_refused(points: int) -> None:
    books = with_points()
    for command in (hold(books, points), redeem(books, points), forgive(books, points), capture(books, points)):
        refused(books, command, "points-invalid")


def test_a_hold_that_would_be_over_at_once_is_refused() -> None:
    books = with_points()
    refused(books, hold(books, 1, lasts=timedelta()), "hold-over")
