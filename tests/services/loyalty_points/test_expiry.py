"""Points wait, expire, are taken back and owed, sentence by sentence."""

from datetime import UTC, datetime

from contracts.loyalty_points import (
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    PointsEarned,
    PointsExpired,
)
from services.loyalty_points.domain import (
    CountRefund,
    ExpirePoints,
    NoticeExpiry,
)
from services.loyalty_points.lifetime import AfterDays
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.spending import (
    DAY,
    FIRST,
    MEI,
    MONDAY,
    SECOND,
    THIRD,
    available,
    days_and_points,
    forgive,
    hold,
    redeem,
    refused,
    release,
    told,
    with_points,
)
from tests.services.stories import refund, sale


def test_pending_points_become_available_by_time_alone() -> None:
    books = with_points(Terms(pending_days=3))
    account = books.accounts[MEI]
    assert (account.available(books.now), account.waiting(books.now)) == (10, 20)
    refused(books, redeem(books, 11), "not-enough-points")
    assert (account.available(books.now + DAY), account.waiting(books.now + DAY)) == (20, 10)
    books.now += 2 * DAY
    assert days_and_points(told(books, redeem(books, 30))) == [(2, 10), (3, 10), (4, 10)]


def test_points_whose_time_is_over_are_not_spent_though_nothing_has_fired() -> None:
    books = with_points()
    books.now = datetime(2026, 3, 12, 4, tzinfo=UTC)  # ten days on, midnight in Toronto
    assert available(books) == 20
    assert days_and_points(told(books, redeem(books, 20))) == [(3, 10), (4, 10)]
    over = told(books, ExpirePoints(at=books.now, customer_id=MEI))
    assert isinstance(over, PointsExpired)
    assert (over.at, over.points, over.balance) == (books.now, 10, 0)
    assert books.handle(ExpirePoints(at=books.now, customer_id=MEI)) == []


def test_each_instant_at_which_points_are_over_is_an_entry_of_its_own() -> None:
    books = with_points()
    books.now += 30 * DAY
    over = books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert [days_and_points(event) for event in over] == [[(2, 10)], [(3, 10)], [(4, 10)]]


def test_what_was_over_first_is_told_first_and_all_that_was_over_then_together() -> None:
    books = with_points()
    books.terms = Terms(expiry=AfterDays(days=7))
    books.hear([sale("9", (MEI, 500), at=MONDAY + 3 * DAY)])  # as late a receipt as any, and over on Tuesday's day
    books.terms = Terms(expiry=AfterDays(days=5))
    books.hear([sale("10", (MEI, 700), at=MONDAY + 3 * DAY)])
    books.now += 30 * DAY
    over = books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert [(event.at.day, days_and_points(event)) for event in over] == [
        (11, [(5, 7)]),
        (12, [(2, 10)]),
        (13, [(3, 10), (5, 5)]),
        (14, [(4, 10)]),
    ]


def test_a_receipt_that_is_heard_when_its_points_are_over_is_entered_and_expired_and_pays_no_debt() -> None:
    books = with_points()
    told(books, redeem(books, 30))
    books.hear([refund(FIRST, (1, 500, 500))])
    books.now += 30 * DAY
    late = sale("9", (MEI, 700), at=MONDAY + 3 * DAY)
    books.hear([late])
    earned, over = books.entries[MEI][-2:]
    assert isinstance(earned, PointsEarned)
    assert isinstance(over, PointsExpired)
    assert (earned.repaid, earned.balance, earned.debt) == (0, 0, 5)
    assert (over.points, over.at, over.debt) == (7, over.expires_at, 5)


def test_a_refund_of_what_has_expired_costs_nothing_more() -> None:
    books = with_points()
    books.now = datetime(2026, 3, 12, 4, tzinfo=UTC)
    told(books, ExpirePoints(at=books.now, customer_id=MEI))
    books.hear([refund(FIRST, (1, 400, 600))])
    account = books.accounts[MEI]
    assert (available(books), account.debt, account.taken_back, account.expired) == (20, 0, 4, 6)


def test_a_refund_takes_the_lots_own_rest_then_active_lots_then_pending_ones_and_the_rest_is_owed() -> None:
    books = with_points(Terms(pending_days=3))
    told(books, redeem(books, 4))
    books.hear([refund(FIRST, (1, 1_000, 0))])
    taken = books.entries[MEI][-1]
    assert [(part.on.day, part.points) for part in getattr(taken, "lots", ())] == [(2, 6), (3, 4)]
    books.hear([refund(SECOND, (1, 1_000, 0)), refund(THIRD, (1, 1_000, 0))])
    account = books.accounts[MEI]
    assert (account.available(books.now), account.waiting(books.now), account.debt) == (0, 0, 4)


def test_points_that_come_back_settle_a_debt_first() -> None:
    books = with_points()
    told(books, hold(books, 30))
    books.hear([refund(FIRST, (1, 1_000, 0))])
    assert books.accounts[MEI].debt == 10
    back = told(books, release(books))
    assert isinstance(back, HoldReleased)
    assert [(part.on.day, part.points) for part in back.repaid] == [(2, 10)]
    assert (back.balance, back.debt) == (20, 0)


def test_points_that_come_back_too_late_settle_nothing() -> None:
    books = with_points()
    told(books, hold(books, 10, lasts=20 * DAY))
    books.hear([refund(FIRST, (1, 1_000, 0)), refund(SECOND, (1, 1_000, 0)), refund(THIRD, (1, 500, 500))])
    assert books.accounts[MEI].debt == 5
    books.now = datetime(2026, 3, 12, 4, tzinfo=UTC)
    back = told(books, release(books))
    assert isinstance(back, HoldReleased)
    assert (back.balance, back.debt, back.repaid) == (0, 5, ())


def test_a_debt_is_forgiven_in_part_and_never_more_than_is_owed() -> None:
    books = with_points()
    told(books, redeem(books, 30))
    books.hear([refund(FIRST, (1, 1_000, 0))])
    forgiven = told(books, forgive(books, 4))
    assert isinstance(forgiven, DebtForgiven)
    assert (forgiven.debt, forgiven.reason) == (6, "our-mistake")
    assert refused(books, forgive(books, 7), "more-than-owed").facts == {"debt": 6, "asked": 7}


def test_a_notice_says_what_will_expire_and_nothing_of_nothing() -> None:
    books = with_points()
    over_at = datetime(2026, 3, 12, 4, tzinfo=UTC)
    notice = NoticeExpiry(at=books.now, customer_id=MEI, expires_at=over_at, days=7, is_due=True)
    said = told(books, notice)
    assert isinstance(said, ExpiryNoticed)
    assert (said.points, said.days, said.expires_at) == (10, 7, over_at)
    assert books.handle(notice.model_copy(update={"is_due": False})) == []
    told(books, redeem(books, 10))
    assert books.handle(notice) == []


def test_a_refund_after_its_points_were_spent_is_paid_by_other_lots_soonest_expiry_first() -> None:
    books = with_points()
    told(books, redeem(books, 12))
    back = refund(FIRST, (1, 1_000, 0))
    books.handle(CountRefund(at=back.at, customer_id=MEI, sale_id=FIRST.sale_id, lines={1: 0}))
    taken = books.entries[MEI][-1]
    assert [(part.on.day, part.points) for part in getattr(taken, "lots", ())] == [(3, 8), (4, 2)]
