"""What was spent stands from its own time on, of the lots and by the entry that it was; worked out by hand."""

from datetime import datetime, timedelta
from typing import Any

from contracts.loyalty_points import PointsRedeemed
from services.loyalty_points.domain import CountRefund, ExpirePoints
from services.loyalty_points.domain.foresight import with_lapses
from services.loyalty_points.domain.hindsight import Hindsight, Posting
from services.loyalty_points.domain.known import Known
from services.loyalty_points.lifetime import AfterDays, Never
from services.loyalty_points.standing import stood
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.chronicle import known
from tests.services.loyalty_points.spending import (
    DAY,
    FIRST,
    MEI,
    MONDAY,
    OTHER,
    capture,
    hold,
    redeem,
    with_points,
)
from tests.services.loyalty_points.test_forgiving import forgive, owing
from tests.services.loyalty_points.test_hindsight import refunded_while_held
from tests.services.loyalty_points.test_offline import allow, spend
from tests.services.loyalty_points.test_rewards import reverse
from tests.services.stories import joining, sale

HOUR = timedelta(hours=1)
THURSDAY = MONDAY + 3 * DAY


def lasting() -> Books:
    """Return the books of a member with thirty points that never expire, on Thursday."""
    return with_points(Terms(expiry=Never()))


def figures(books: Books, at: datetime, *names: str) -> tuple[Any, ...]:
    told = stood(known(books.entries[MEI], books), at)
    return tuple(told[name] for name in names)


def spent(books: Books, at: datetime) -> tuple[Any, ...]:
    """Return what was available, put by, redeemed, expired and owed."""
    return figures(books, at, "available", "reserved", "redeemed", "expired", "debt")


def parts(books: Books, figure: str, at: datetime) -> list[tuple[str, int | None, int]]:
    """Return the entries behind a figure: the name, the day in March of the lot, and the points."""
    told = known(books.entries[MEI], books)
    seen = Hindsight(with_lapses(told, at))
    of = seen.parts(figure, at)
    return [(type(p.known.event).__name__, seen.lots[p.lot_id].on.day if p.lot_id else None, p.points) for p in of]


def test_what_a_till_spends_of_its_allowance_is_spent_and_no_more_put_by() -> None:
    books = lasting()
    books.handle(allow(books, 20))
    books.now += 2 * HOUR
    books.handle(spend(books, 13, at=THURSDAY + HOUR))
    assert spent(books, THURSDAY) == (10, 20, 0, 0, 0)
    assert spent(books, THURSDAY + HOUR) == (10, 7, 13, 0, 0)
    assert spent(books, THURSDAY + DAY) == (17, 0, 13, 0, 0)  # what is left of it has lapsed, though it is not told yet
    assert parts(books, "redeemed", THURSDAY + HOUR) == [("PointsSpentOffline", 2, 10), ("PointsSpentOffline", 3, 3)]


def test_what_a_till_spends_beyond_its_allowance_is_spent_of_her_lots_and_the_rest_is_owed() -> None:
    books = lasting()
    books.handle(allow(books, 5))
    books.handle(spend(books, 42))
    assert spent(books, THURSDAY) == (0, 0, 42, 0, 12)
    redeemed = parts(books, "redeemed", THURSDAY)
    assert sorted((day or 0, points) for _, day, points in redeemed) == [(0, 12), (2, 5), (2, 5), (3, 10), (4, 10)]
    assert {name for name, _, _ in redeemed} == {"PointsSpentOffline"}
    assert parts(books, "debt", THURSDAY) == [("PointsSpentOffline", None, 12)]


def test_a_till_that_is_heard_after_the_desk_has_spent_before_it() -> None:
    books = lasting()
    books.handle(redeem(books, 4))
    books.now += DAY
    books.handle(spend(books, 3, at=THURSDAY - HOUR))
    assert spent(books, THURSDAY - HOUR) == (27, 0, 3, 0, 0)
    assert spent(books, THURSDAY) == (23, 0, 7, 0, 0)


def test_points_that_expired_since_had_been_spent_and_not_expired() -> None:
    books = with_points()
    books.now = MONDAY + 10 * DAY
    books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert spent(books, books.now) == (20, 0, 0, 10, 0)
    books.handle(spend(books, 8, at=THURSDAY))
    assert spent(books, THURSDAY) == (22, 0, 8, 0, 0)
    assert spent(books, books.now) == (20, 0, 8, 2, 0)
    assert parts(books, "redeemed", THURSDAY) == [("PointsSpentOffline", 2, 8)]


def test_what_was_given_back_is_spent_until_it_was() -> None:
    books = lasting()
    books.handle(redeem(books, 15))
    books.now += DAY
    books.handle(reverse(books))
    assert spent(books, THURSDAY) == (15, 0, 15, 0, 0)
    assert spent(books, THURSDAY + DAY) == (30, 0, 0, 0, 0)
    taken, back = (
        [("PointsRedeemed", 2, 10), ("PointsRedeemed", 3, 5)],
        [("RedemptionReversed", 2, -10), ("RedemptionReversed", 3, -5)],
    )
    assert parts(books, "redeemed", THURSDAY + DAY) == taken + back


def test_what_was_captured_of_a_hold_is_spent_and_the_rest_is_free_from_then_on() -> None:
    books = lasting()
    books.handle(hold(books, 20))
    books.now += HOUR
    books.handle(capture(books, 13))
    assert spent(books, THURSDAY) == (10, 20, 0, 0, 0)
    assert spent(books, THURSDAY + HOUR) == (17, 0, 13, 0, 0)
    assert parts(books, "reserved", THURSDAY) == [("PointsHeld", 2, 10), ("PointsHeld", 3, 10)]
    assert parts(books, "reserved", THURSDAY + HOUR) == []


def test_an_open_allowance_is_explained_by_what_was_put_by_and_what_was_spent_of_it() -> None:
    books = lasting()
    books.handle(allow(books, 20))
    books.handle(spend(books, 13))
    reserved = parts(books, "reserved", THURSDAY)
    put_by, used = (
        [("PointsHeld", 2, 10), ("PointsHeld", 3, 10)],
        [("PointsSpentOffline", 2, -10), ("PointsSpentOffline", 3, -3)],
    )
    assert reserved == put_by + used


def test_points_that_a_late_receipt_brings_settle_what_was_owed_from_its_own_day_on() -> None:
    books = Books(now=MONDAY, terms=Terms(expiry=Never())).hear([FIRST, joining(FIRST, MEI)])
    books.handle(spend(books, 25))
    books.now = MONDAY + 4 * DAY
    books.hear([sale("9", (MEI, 4_000), at=MONDAY + DAY)])
    assert spent(books, MONDAY) == (0, 0, 25, 0, 15)
    assert spent(books, MONDAY + DAY) == (25, 0, 25, 0, 0)
    assert [points for _, _, points in parts(books, "debt", MONDAY + DAY)] == [15, -15]


def test_what_a_refund_took_of_points_that_came_later_is_owed_until_they_came() -> None:
    books = Books(now=MONDAY, terms=Terms(expiry=Never())).hear([FIRST, joining(FIRST, MEI)])
    books.handle(redeem(books, 10))
    books.now = MONDAY + 2 * DAY
    books.hear([sale("9", (MEI, 1_000), at=MONDAY + 2 * DAY)])
    books.now = MONDAY + 3 * DAY
    books.handle(CountRefund(at=MONDAY + DAY, customer_id=MEI, sale_id=FIRST.sale_id, lines={1: 0}))
    assert [figures(books, MONDAY + day * DAY, "available", "debt") for day in range(4)] == [
        (0, 0),
        (0, 10),
        (0, 0),
        (0, 0),
    ]
    debt = parts(books, "debt", MONDAY + 3 * DAY)
    assert debt == [("PointsTakenBack", 4, 10), ("PointsTakenBack", 4, -10)]


def test_what_is_left_is_told_lot_by_lot_the_soonest_to_be_over_first_and_what_stays_last() -> None:
    books = with_points()
    books.terms = Terms(expiry=Never())
    books.hear([sale("8", (MEI, 700), at=MONDAY + DAY + HOUR), sale("9", (MEI, 500), at=MONDAY + HOUR)])
    books.handle(redeem(books, 12, OTHER))
    seen = Hindsight(known(books.entries[MEI], books))
    assert [(lot.on.day, points) for lot, points in seen.left(THURSDAY)] == [(3, 8), (4, 10), (2, 5), (3, 7)]


def test_a_lot_that_came_later_and_is_over_sooner_is_told_first() -> None:
    books = with_points()
    books.terms = Terms(expiry=AfterDays(days=5))
    books.hear([sale("9", (MEI, 500), at=THURSDAY)])
    seen = Hindsight(known(books.entries[MEI], books))
    assert [(lot.on.day, points) for lot, points in seen.left(THURSDAY)] == [(5, 5), (2, 10), (3, 10), (4, 10)]


def test_what_is_over_is_told_of_its_lot_and_of_the_instant_it_was_over() -> None:
    books = with_points()
    books.handle(redeem(books, 3))
    seen = Hindsight(known(books.entries[MEI], books))
    over = [(one.at.day, seen.lots[one.lot_id].on.day, one.points) for _, one in expiring(seen) if one.lot_id]
    assert sorted(over) == [(12, 2, -3), (12, 2, 10), (13, 3, 10), (14, 4, 10)]


def expiring(seen: Hindsight) -> list[tuple[str, Posting]]:
    return [(figure, one) for figure, one in seen.changes() if figure == "expired"]


def test_a_debt_is_explained_by_what_made_it_and_by_who_let_it_go() -> None:
    books = owing(80)
    books.handle(forgive(books, 30))
    made = [("PointsSpentOffline", None, 80), ("DebtForgiven", None, -30)]
    assert parts(books, "debt", books.now) == made
    assert parts(books, "forgiven", books.now) == [("DebtForgiven", None, 30)]
    seen = Hindsight(known(books.entries[MEI], books))
    assert [(figure, one.points) for figure, one in seen.changes()] == [("redeemed", 80), ("forgiven", 30)]


def test_what_was_refunded_while_it_was_held_is_owed_by_its_lot() -> None:
    seen = Hindsight(refunded_while_held())
    owed = [(seen.lots[one.lot_id].on.day, one.points) for one in seen.parts("debt", MONDAY + 4 * DAY) if one.lot_id]
    assert owed == [(2, -10), (2, 10), (2, 10)]


def test_what_waits_is_explained_by_what_was_earned() -> None:
    books = with_points(Terms(pending_days=3))
    assert parts(books, "pending", THURSDAY) == [("PointsEarned", 4, 10), ("PointsEarned", 3, 10)]
    assert parts(books, "available", THURSDAY) == [("PointsEarned", 2, 10)]


def test_what_is_told_without_an_id_is_what_will_lapse() -> None:
    books = lasting()
    books.handle(hold(books, 5))
    told = known(books.entries[MEI], books)
    assert with_lapses(told, THURSDAY) == told
    (lapse,) = with_lapses(told, THURSDAY + DAY)[len(told) :]
    assert lapse == Known(lapse.event, None, None)
    assert (type(lapse.event).__name__, lapse.event.at) == ("HoldReleased", THURSDAY + DAY)


def test_a_hold_that_was_captured_or_used_up_does_not_lapse() -> None:
    books = lasting()
    books.handle(hold(books, 5))
    books.handle(capture(books, 2))
    books.handle(allow(books, 4, OTHER))
    books.handle(spend(books, 4))
    told = known(books.entries[MEI], books)
    assert with_lapses(told, THURSDAY + 9 * DAY) == told
    assert isinstance(books.entries[MEI][-3], PointsRedeemed)
