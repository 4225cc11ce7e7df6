"""Headquarters describes a reward, counts it, and takes it out of the offer, sentence by sentence."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.loyalty_points import RewardKind
from services.loyalty_points.reward import domain
from services.loyalty_points.reward.domain import (
    ChangeStock,
    DescribeReward,
    Reward,
    RewardDescribed,
    RewardWithdrawn,
    StockChanged,
    WithdrawReward,
)
from services.loyalty_points.reward.offer import Description, reward_id
from shared.errors import Rejected
from tests.scenario import Scenario

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
CREAM = Description(title="Hand cream", kind=RewardKind.GIFT, points=10, counted=True)
DEARER = CREAM.model_copy(update={"points": 12})
UNCOUNTED = CREAM.model_copy(update={"counted": False})
ID = reward_id("hand-cream")
REWARDS = Scenario(domain)


def describe(described: Description = CREAM) -> DescribeReward:
    return DescribeReward(at=NOON, reward_id=ID, code="hand-cream", described=described)


def described(number: int, its: Description = CREAM) -> RewardDescribed:
    return RewardDescribed(at=NOON, reward_id=ID, code="hand-cream", number=number, described=its)


def change(by: int, left: int) -> ChangeStock:
    return ChangeStock(at=NOON, reward_id=ID, change=by, reason="counted-anew", left=left)


def changed(by: int, left: int) -> StockChanged:
    return StockChanged(at=NOON, reward_id=ID, change=by, reason="counted-anew", left=left)


WITHDRAW = WithdrawReward(at=NOON, reward_id=ID, reason="sold-out-for-good")
WITHDRAWN = RewardWithdrawn(at=NOON, reward_id=ID, reason="sold-out-for-good")
OFFERED = REWARDS.given(described(1))


def test_each_new_description_is_a_version_and_the_same_one_is_none() -> None:
    REWARDS.when(describe()).then(described(1))
    OFFERED.when(describe()).then()
    OFFERED.when(describe(DEARER)).then(described(2, DEARER))
    OFFERED.given(described(2, DEARER)).when(describe()).then(described(3))


def test_a_reward_is_withdrawn_once_and_whoever_describes_it_again_offers_it_again() -> None:
    OFFERED.when(WITHDRAW).then(WITHDRAWN)
    gone = OFFERED.given(WITHDRAWN)
    gone.when(WITHDRAW).then()
    gone.when(describe()).then(described(2))
    gone.given(described(2)).when(WITHDRAW).then(WITHDRAWN)


def test_what_was_never_described_is_neither_withdrawn_nor_counted() -> None:
    REWARDS.when(WITHDRAW).rejected("reward-unknown")
    REWARDS.when(change(5, left=0)).rejected("reward-unknown")


def test_a_stock_grows_and_shrinks_by_what_was_counted() -> None:
    OFFERED.when(change(5, left=2)).then(changed(5, left=7))
    OFFERED.when(change(-2, left=2)).then(changed(-2, left=0))
    OFFERED.when(change(0, left=2)).then()


def test_counting_changes_neither_the_description_nor_the_offer() -> None:
    OFFERED.given(changed(5, left=5)).when(describe()).then()
    OFFERED.given(WITHDRAWN, changed(5, left=5)).when(WITHDRAW).then()


def test_a_stock_is_never_below_zero_and_what_is_not_counted_has_none() -> None:
    with pytest.raises(Rejected) as refusal:
        domain.decide(change(-3, left=2), Reward(1, CREAM))
    assert (refusal.value.code, refusal.value.facts) == ("stock-below-zero", {"left": 2, "change": -3})
    REWARDS.given(described(1, UNCOUNTED)).when(change(5, left=0)).rejected("stock-not-counted")


def test_what_was_withdrawn_keeps_its_description() -> None:
    state: Any = domain.evolve(Reward(3, DEARER), WITHDRAWN)
    assert state == Reward(3, DEARER, withdrawn=True)
