"""What points buy: rewards and their limits, put by and handed over, and given back when it was the wrong one."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from pydantic import ValidationError

from contracts.loyalty_points import (
    HoldReleased,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    RedemptionReversed,
    RewardKind,
)
from services.loyalty_points.domain import ExpirePoints, HoldReward, RedeemReward, ReverseRedemption
from services.loyalty_points.reward.offer import Description, reward_id
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import (
    BASKET,
    DAY,
    MEI,
    MONDAY,
    OTHER,
    available,
    capture,
    redeem,
    refused,
    release,
    told,
    with_points,
)
from tests.services.stories import customer, refund, sale

CREAM = "hand-cream"


def shop(**its: Any) -> Books:
    """Return the books of a member with thirty points, of which a hand cream costs ten."""
    books = with_points()
    books.shelf.described[CREAM] = Description(title="Hand cream", kind=RewardKind.GIFT, points=10, **its)
    return books


def take(books: Books, redemption_id: UUID = BASKET, branch: str = "TOR1", code: str = CREAM) -> RedeemReward:
    return RedeemReward(
        at=books.now, customer_id=MEI, redemption_id=redemption_id, reward_id=reward_id(code), branch=branch
    )


def put_by(books: Books, hold_id: UUID = BASKET, lasts: timedelta = DAY) -> HoldReward:
    until = books.now + lasts
    return HoldReward(
        at=books.now, customer_id=MEI, hold_id=hold_id, reward_id=reward_id(CREAM), branch="TOR1", until=until
    )


def reverse(books: Books, redemption_id: UUID = BASKET) -> ReverseRedemption:
    return ReverseRedemption(at=books.now, customer_id=MEI, redemption_id=redemption_id, reason="wrong-gift")


def test_a_reward_costs_its_price_and_the_entry_says_what_was_bought_where() -> None:
    books = shop()
    spent = told(books, take(books))
    assert isinstance(spent, PointsRedeemed)
    assert (spent.points, spent.balance) == (10, 20)
    assert spent.reward
    assert (spent.reward.code, spent.reward.kind, spent.reward.branch) == (CREAM, "gift", "TOR1")


def test_the_same_redemption_says_nothing_and_its_name_is_good_for_nothing_else() -> None:
    books = shop()
    books.shelf.described["scarf"] = Description(title="Scarf", kind=RewardKind.GIFT, points=10)
    books.handle(take(books))
    assert books.handle(take(books)) == []
    refused(books, take(books, code="scarf"), "redemption-differs")
    refused(books, redeem(books, 10), "redemption-differs")
    refused(books, put_by(books), "hold-differs")
    assert available(books) == 20


def test_who_may_not_have_it_is_told_why() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"branches": ("TOR2",)}, "reward-not-here"),
        ({"tiers": ("gold",)}, "reward-not-for-tier"),
        ({"from_at": MONDAY + 4 * DAY}, "reward-not-yet"),
        ({"until_at": MONDAY + 3 * DAY}, "reward-over"),
        ({"counted": True}, "reward-out-of-stock"),
    ]
    for its, code in cases:
        books = shop(**its)
        refused(books, take(books), code)
        refused(books, put_by(books), code)
    books = shop()
    refused(books, take(books, code="scarf"), "reward-unknown")
    books.shelf.withdrawn.add(CREAM)
    refused(books, take(books), "reward-withdrawn")


def test_who_may_is_not_refused() -> None:
    books = shop(branches=("TOR1",), tiers=("silver", "gold"), from_at=MONDAY, until_at=MONDAY + 4 * DAY, counted=True)
    books.shelf.tiers[MEI] = "gold"
    books.shelf.stock[CREAM] = 1
    books.handle(take(books))
    assert books.shelf.stock[CREAM] == 0
    refused(books, take(books, OTHER), "reward-out-of-stock")


def test_too_few_points_are_refused_before_anything_is_taken_from_the_stock() -> None:
    books = shop(counted=True)
    books.shelf.stock[CREAM] = 5
    books.handle(redeem(books, 21))
    assert refused(books, take(books, OTHER), "not-enough-points").facts == {"available": 9, "asked": 10}
    assert books.shelf.stock[CREAM] == 5


def test_an_id_under_which_one_has_a_reward_gives_another_none() -> None:
    books = shop()
    books.handle(take(books))
    books.handle(put_by(books, OTHER))
    for command, code in ((take(books), "redemption-differs"), (put_by(books, OTHER), "hold-differs")):
        refused(books, command.model_copy(update={"customer_id": customer(2)}), code)


def test_a_limit_for_ever_and_one_of_the_last_days() -> None:
    books = shop(most_each=2, most_in_period=1, period_days=2)
    books.handle(take(books))
    refused(books, take(books, OTHER), "reward-limit-of-period-reached")
    books.now += 2 * DAY
    books.handle(take(books, OTHER))
    books.now += 2 * DAY
    refused(books, take(books, uuid5(MEI, "third")), "reward-limit-reached")


def test_a_reward_put_by_is_handed_over_whole_and_counts_from_the_beginning() -> None:
    books = shop(counted=True, most_each=1)
    books.shelf.stock[CREAM] = 2
    held = told(books, put_by(books))
    assert isinstance(held, PointsHeld)
    assert held.reward
    assert (books.shelf.stock[CREAM], available(books)) == (1, 20)
    refused(books, take(books, OTHER), "reward-limit-reached")
    refused(books, capture(books, 9), "less-than-the-price")
    handed = told(books, capture(books, 10))
    assert isinstance(handed, PointsRedeemed)
    assert handed.reward == held.reward
    assert books.shelf.stock[CREAM] == 1


def test_what_was_put_by_and_not_fetched_goes_back_to_the_stock_once() -> None:
    books = shop(counted=True, most_each=1)
    books.shelf.stock[CREAM] = 1
    books.handle(put_by(books))
    assert isinstance(told(books, release(books)), HoldReleased)
    assert books.handle(release(books)) == []
    assert books.shelf.stock[CREAM] == 1
    books.handle(put_by(books, OTHER))
    books.now += DAY
    lapsed, taken = books.handle(take(books, uuid5(MEI, "third")))
    assert isinstance(lapsed, HoldReleased)
    assert isinstance(taken, PointsRedeemed)
    assert books.shelf.stock[CREAM] == 0


def test_a_wrong_gift_is_given_back_once_with_its_points_and_its_place_in_the_limit() -> None:
    books = shop(counted=True, most_each=1)
    books.shelf.stock[CREAM] = 1
    books.handle(take(books))
    back = told(books, reverse(books))
    assert isinstance(back, RedemptionReversed)
    assert (back.points, back.balance, back.over, books.shelf.stock[CREAM]) == (10, 30, 0, 1)
    assert books.accounts[MEI].redeemed == 0
    assert books.handle(reverse(books)) == []
    refused(books, capture(books, 10), "hold-unknown")
    books.handle(take(books, OTHER))


def test_what_was_captured_of_a_hold_is_given_back_and_no_more() -> None:
    books = shop()
    books.handle(put_by(books))
    refused(books, reverse(books), "redemption-unknown")
    books.handle(capture(books, 10))
    assert isinstance(told(books, reverse(books)), RedemptionReversed)
    refused(books, capture(books, 10), "hold-ended")
    refused(books, reverse(books, OTHER), "redemption-unknown")
    assert available(books) == 30


def test_points_that_come_back_after_their_time_are_gone() -> None:
    books = shop()
    books.handle(take(books))
    books.now += 8 * DAY  # the first lot is over
    back = told(books, reverse(books))
    assert isinstance(back, RedemptionReversed)
    assert (back.over, back.balance) == (10, 20 - 10)  # the second lot is over, too
    expired = [e for e in books.handle(ExpirePoints(at=books.now, customer_id=MEI)) if isinstance(e, PointsExpired)]
    assert sum(e.points for e in expired) == 20


def test_points_that_come_back_settle_a_debt_first() -> None:
    books = shop()
    books.handle(redeem(books, 30))
    first = sale("0", (MEI, 1_000), at=MONDAY)
    books.hear([refund(first, (1, 1_000, 0))])
    assert books.accounts[MEI].debt == 10
    back = told(books, reverse(books))
    assert isinstance(back, RedemptionReversed)
    assert (back.debt, back.balance, sum(part.points for part in back.repaid)) == (0, 20, 10)


@pytest.mark.parametrize(
    "its",
    [
        {"points": 0},
        {"points": -1},
        {"points": 2**63},
        {"kind": "unknown"},
        {"kind": "pony"},
        {"kind": "money-off"},
        {"amount_minor": 500},
        {"most_in_period": 1},
        {"period_days": 7},
        {"from_at": MONDAY, "until_at": MONDAY},
        {"most_each": 0},
        {"title": ""},
    ],
)
def test_a_reward_that_does_not_fit_together_is_none(its: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Description.model_validate({"title": "Cream", "kind": "gift", "points": 10} | its, strict=False)
