"""Points are held, captured, released and redeemed, sentence by sentence; time alone gives back and takes away."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from contracts.loyalty_points import (
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    Release,
)
from contracts.money import LARGEST
from services.loyalty_points.domain import (
    AccountCommand,
    CapturePoints,
    CountRefund,
    ExpirePoints,
    ForgiveDebt,
    HoldPoints,
    NoticeExpiry,
    RedeemPoints,
    ReleaseHold,
)
from services.loyalty_points.lifetime import AfterDays, Never
from services.loyalty_points.terms import Terms
from shared.errors import Rejected
from shared.message import Event
from tests.services.loyalty_points.books import Books
from tests.services.stories import customer, joining, refund, sale

MEI = customer(1)
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, SECOND, THIRD = (sale(str(n), (MEI, 1_000), at=MONDAY + n * DAY) for n in range(3))
BASKET, OTHER = uuid5(MEI, "basket"), uuid5(MEI, "other")


def with_points(terms: Terms | None = None) -> Books:
    """Return the books of a member with three lots of ten points, which are over on three days in a row."""
    books = Books(now=MONDAY + 3 * DAY, terms=terms or Terms(expiry=AfterDays(days=9)))
    return books.hear([joining(FIRST, MEI), THIRD, SECOND, FIRST])


def told(books: Books, command: AccountCommand) -> Event:
    (event,) = books.handle(command)
    return event


def hold(books: Books, points: int, hold_id: UUID = BASKET, lasts: timedelta = DAY) -> HoldPoints:
    return HoldPoints(at=books.now, customer_id=MEI, hold_id=hold_id, points=points, until=books.now + lasts)


def capture(books: Books, points: int, hold_id: UUID = BASKET) -> CapturePoints:
    return CapturePoints(at=books.now, customer_id=MEI, hold_id=hold_id, points=points)


def release(books: Books, hold_id: UUID = BASKET) -> ReleaseHold:
    return ReleaseHold(at=books.now, customer_id=MEI, hold_id=hold_id)


def redeem(books: Books, points: int, redemption_id: UUID = BASKET) -> RedeemPoints:
    return RedeemPoints(at=books.now, customer_id=MEI, redemption_id=redemption_id, points=points)


def forgive(books: Books, points: int) -> ForgiveDebt:
    return ForgiveDebt(at=books.now, customer_id=MEI, points=points, reason="our-mistake")


def refused(books: Books, command: AccountCommand, code: str) -> Rejected:
    before = (dict(books.accounts), dict(books.holds), {who: dict(lots) for who, lots in books.lots.items()})
    with pytest.raises(Rejected) as refusal:
        books.handle(command)
    assert refusal.value.code == code
    assert (books.accounts, books.holds, books.lots) == before
    return refusal.value


def available(books: Books) -> int:
    return books.accounts[MEI].available(books.now)


def days_and_points(event: Event) -> list[tuple[int, int]]:
    """Return of which day's lot how many points were drawn."""
    assert isinstance(event, PointsHeld | PointsRedeemed | PointsExpired)
    return [(part.on.day, part.points) for part in event.lots]


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
