"""What comes back, what pays a debt, and which lots and allowances give; each worked out by hand."""

from datetime import timedelta
from uuid import uuid5

from contracts.loyalty_points import (
    HoldReleased,
    LotPoints,
    PointsAwarded,
    PointsEarned,
    PointsRedeemed,
    PointsSpentOffline,
    PointsTakenBack,
    RedemptionReversed,
)
from services.loyalty_points import domain
from services.loyalty_points.domain import Account, ExpirePoints, NoteTier, RecountReceipts
from services.loyalty_points.lifetime import AfterDays, Never
from services.loyalty_points.receipt import Settled, costs
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import (
    DAY,
    FIRST,
    MEI,
    MONDAY,
    OTHER,
    SECOND,
    THIRD,
    available,
    capture,
    days_and_points,
    hold,
    redeem,
    told,
    with_points,
)
from tests.services.loyalty_points.test_acts import SURVEYS, order
from tests.services.loyalty_points.test_domain import counted, receipt
from tests.services.loyalty_points.test_offline import allow, spend, standing
from tests.services.loyalty_points.test_rewards import put_by, reverse, shop, take
from tests.services.stories import joining, refund, sale

THURSDAY, HOUR = MONDAY + 3 * DAY, timedelta(hours=1)


def of(parts: tuple[LotPoints, ...]) -> list[tuple[int, int]]:
    """Return of which day's lot how many points."""
    return [(part.on.day, part.points) for part in parts]


def test_what_is_not_captured_settles_a_debt_before_it_is_hers() -> None:
    books = with_points()
    books.handle(hold(books, 30))
    books.hear([refund(FIRST, (1, 1_000, 0))])
    assert standing(books) == (0, 30, 10)
    spent = told(books, capture(books, 12))
    assert isinstance(spent, PointsRedeemed)
    assert (of(spent.lots), of(spent.returned), of(spent.repaid)) == (
        [(2, 10), (3, 2)],
        [(3, 8), (4, 10)],
        [(3, 8), (4, 2)],
    )
    assert (spent.balance, spent.debt, standing(books)) == (8, 0, (8, 0, 0))


def test_a_release_settles_as_much_as_it_brings_and_the_rest_stays_owed() -> None:
    books = with_points()
    books.handle(hold(books, 4))
    books.handle(redeem(books, 26, OTHER))
    books.hear([refund(FIRST, (1, 1_000, 0))])
    assert standing(books) == (0, 4, 10)
    books.now += DAY
    (back,) = books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert isinstance(back, HoldReleased)
    assert (back.points, of(back.lots), of(back.repaid), back.debt) == (4, [(2, 4)], [(2, 4)], 6)
    assert standing(books) == (0, 0, 6)


def test_an_act_that_is_worth_less_than_the_debt_leaves_the_rest_owed() -> None:
    (given,) = domain.decide(order(terms=SURVEYS), Account(debt=33))
    assert isinstance(given, PointsAwarded)
    assert (given.points, given.repaid, given.debt, given.balance) == (20, 20, 13, 0)


def test_a_debt_stays_owed_when_what_was_held_comes_back_too_late() -> None:
    books = with_points()
    books.handle(hold(books, 30, lasts=20 * DAY))
    books.hear([refund(FIRST, (1, 1_000, 0))])
    books.now += 20 * DAY
    told_since = books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert [(event.name, event.model_dump()["debt"]) for event in told_since] == [
        ("HoldReleased", 10),
        ("PointsExpired", 10),
        ("PointsExpired", 10),
        ("PointsExpired", 10),
    ]
    assert standing(books) == (0, 0, 10)


def test_what_was_given_back_names_the_gift_and_the_branch_and_what_of_it_paid_the_debt() -> None:
    books = shop()
    books.handle(take(books))
    books.handle(redeem(books, 20, OTHER))
    books.hear([refund(SECOND, (1, 400, 600))])
    back = told(books, reverse(books))
    assert isinstance(back, RedemptionReversed)
    assert back.reward
    assert (back.reward.code, back.branch, back.reason) == ("hand-cream", "TOR1", "wrong-gift")
    assert (of(back.lots), of(back.repaid), back.debt, back.balance) == ([(2, 10)], [(2, 4)], 0, 6)


def test_only_what_was_captured_of_a_hold_is_given_back() -> None:
    books = with_points()
    books.handle(hold(books, 20))
    books.handle(capture(books, 13))
    back = told(books, reverse(books))
    assert isinstance(back, RedemptionReversed)
    assert (back.points, of(back.lots), available(books)) == (13, [(2, 10), (3, 3)], 30)


def test_a_reward_that_is_put_by_again_by_the_same_name_says_nothing() -> None:
    books = shop()
    books.handle(put_by(books))
    assert books.handle(put_by(books)) == []
    assert available(books) == 20


def test_the_last_point_of_a_lot_can_be_spent() -> None:
    books = with_points()
    books.handle(redeem(books, 9))
    assert days_and_points(told(books, redeem(books, 21, OTHER))) == [(2, 1), (3, 10), (4, 10)]


def test_a_till_spends_of_the_allowance_that_ends_first_and_the_rest_of_the_next() -> None:
    books = with_points()
    books.handle(allow(books, 8, OTHER, until=books.now + 2 * DAY))
    books.handle(allow(books, 10))
    books.handle(allow(books, 5, uuid5(MEI, "third"), until=books.now + 3 * DAY))
    (spent,) = books.handle(spend(books, 14))
    assert isinstance(spent, PointsSpentOffline)
    assert [(use.points, of(use.lots)) for use in spent.allowances] == [(10, [(2, 2), (3, 8)]), (4, [(2, 4)])]
    assert standing(books) == (7, 9, 0)


def test_what_a_till_spent_of_an_allowance_that_has_lapsed_is_taken_of_the_lots_it_was_of() -> None:
    books = with_points()
    books.handle(allow(books, 20))
    books.terms = Terms(expiry=AfterDays(days=5))
    books.hear([sale("9", (MEI, 500), at=THURSDAY)])  # which would be drawn on first
    books.now += DAY
    *_, late = books.handle(spend(books, 18, at=THURSDAY + HOUR))
    assert isinstance(late, PointsSpentOffline)
    assert (sorted(of(late.lots)), late.from_expired, late.owed) == ([(2, 10), (3, 8)], (), 0)


def test_of_a_lot_that_is_half_over_what_is_left_is_taken_before_what_has_expired() -> None:
    books = with_points()
    books.handle(hold(books, 4, lasts=7 * DAY + HOUR))
    books.now = MONDAY + 10 * DAY
    (over,) = books.handle(ExpirePoints(at=books.now, customer_id=MEI))
    assert days_and_points(over) == [(2, 6)]
    books.now += HOUR  # the hold has lapsed, and Tuesday's points are good until midnight
    *_, spent = books.handle(spend(books, 7, at=THURSDAY))
    assert isinstance(spent, PointsSpentOffline)
    assert (of(spent.lots), of(spent.from_expired), spent.owed) == ([(2, 4)], [(2, 3)], 0)
    assert standing(books) == (20, 0, 0)


def doubled() -> Books:
    """Return the books of a member whose tier of Monday was heard late: each receipt has earned ten, and ten more."""
    terms = Terms.model_validate({"expiry": AfterDays(days=30), "earning": {"by_tier": {"gold": "2"}}})
    books = Books(now=MONDAY + 3 * DAY, terms=terms).hear([FIRST, joining(FIRST, MEI), SECOND])
    books.handle(NoteTier(at=MONDAY, customer_id=MEI, tier="gold"))
    return books


def test_a_refund_takes_from_the_newest_of_the_receipts_own_lots_first() -> None:
    books = doubled()
    assert available(books) == 40
    books.hear([refund(FIRST, (1, 700, 300))])
    taken = books.entries[MEI][-2:]
    assert all(isinstance(one, PointsTakenBack) for one in taken)
    first, second = (one for one in taken if isinstance(one, PointsTakenBack))
    lots = {lot.lot_id: lot for lot in books.lots[MEI].values() if lot.on == FIRST.on}
    assert [(one.points, one.by, one.corrected) for one in (first, second)] == [(10, (), 0), (4, (), 0)]
    assert [one.lot_id for one in (second, first)] == list(lots)
    assert available(books) == 26


def test_what_a_receipts_own_lots_cannot_give_the_others_give() -> None:
    books = doubled()
    books.handle(redeem(books, 17))
    books.hear([refund(FIRST, (1, 1_000, 0))])
    *_, taken = books.entries[MEI]
    assert isinstance(taken, PointsTakenBack)
    assert (taken.points, of(taken.lots)) == (20, [(2, 3), (3, 10), (3, 7)])
    assert (available(books), books.accounts[MEI].taken_back) == (3, 20)


def test_a_rule_that_gives_way_to_another_of_the_same_worth_is_told_without_any_lot() -> None:
    books = Books(now=MONDAY + 5 * DAY, terms=twice("welcome")).hear([FIRST, joining(FIRST, MEI)])
    books.lots[MEI] = {}  # where nothing is to be taken none is brought
    books.terms = twice("spring")
    *_, change = books.handle(RecountReceipts(at=books.now, customer_id=MEI, version=2))
    assert isinstance(change, PointsTakenBack)
    assert {(one.rule, one.points) for one in change.by} == {("bonus/spring", 10), ("bonus/welcome", -10)}
    assert (change.points, change.corrected, change.lots, change.balance) == (0, 0, (), 20)


def twice(name: str) -> Terms:
    return Terms.model_validate({"expiry": Never(), "earning": {"bonuses": [{"name": name, "factor": "2"}]}})


def test_only_receipts_that_lose_cost_her_lots_anything() -> None:
    gains, loses = Settled(counted(receipt("a", 700)), {"base": 9}, 9), Settled(counted(receipt("b", 700)), {}, 4)
    assert (costs([gains]), costs([loses]), costs([gains, loses, loses])) == (0, 3, 6)


def test_a_receipt_earns_at_once_for_who_has_joined_by_it_and_points_pay_a_debt_in_their_order() -> None:
    books = with_points()
    books.handle(redeem(books, 30))
    books.hear([refund(FIRST, (1, 1_000, 0)), refund(THIRD, (1, 500, 500))])
    assert standing(books) == (0, 0, 15)
    books.hear([sale("8", (MEI, 1_000), at=THURSDAY), sale("9", (MEI, 1_000), at=THURSDAY)])
    paid = [event for event in books.entries[MEI][-4:] if isinstance(event, PointsEarned)]
    assert [(one.repaid, one.debt, one.balance) for one in paid] == [(10, 5, 0), (5, 0, 5)]
