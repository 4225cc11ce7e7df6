"""A reward: headquarters describes it, counts it, and takes it out of the offer. Pure; a new description is a version.

What is left is a guard's row, not this stream's: a redemption writes the customer's account alone, and the count moves
with it in one transaction, so that many may take different ones of a stock without waiting for one stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias
from uuid import UUID

from pydantic import Field

from services.loyalty_points.reward.offer import Description
from shared.errors import Rejected
from shared.message import Command, Event
from shared.replacing import replace

SHAPE = 2

Reason = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]


class DescribeReward(Command):
    """Let a reward be this from now on; one that was withdrawn is on offer again."""

    reward_id: UUID
    code: str
    described: Description
    is_offered: bool = False  # brought by guards.gather: whether there is the offer that a coupon names


class WithdrawReward(Command):
    """Take a reward out of the offer."""

    reward_id: UUID
    reason: Reason


class ChangeStock(Command):
    """Count more or fewer of it, for a reason."""

    reward_id: UUID
    change: int
    reason: Reason
    left: int = 0  # brought by guards.gather


class RewardDescribed(Event):
    """A reward is this from now on. Versions count from 1."""

    reward_id: UUID
    code: str
    number: int
    described: Description


class RewardWithdrawn(Event):
    """A reward is no more on offer."""

    reward_id: UUID
    reason: str


class StockChanged(Event):
    """There are so many more of a reward, or fewer; `left` after it."""

    reward_id: UUID
    change: int
    reason: str
    left: int


RewardCommand: TypeAlias = DescribeReward | WithdrawReward | ChangeStock
RewardEvent: TypeAlias = RewardDescribed | RewardWithdrawn | StockChanged
COMMANDS = (DescribeReward, WithdrawReward, ChangeStock)
EVENTS = (RewardDescribed, RewardWithdrawn, StockChanged)


@dataclass(frozen=True)
class Reward:
    """The last description, and whether it is on offer."""

    number: int = 0
    described: Description | None = None
    withdrawn: bool = False


initial = Reward()


def decide(command: RewardCommand, reward: Reward) -> Sequence[RewardEvent]:
    """Return what the command causes; refuse what is said of no reward or offer, and a stock below zero."""
    match command:
        case DescribeReward(described=described):
            if described == reward.described and not reward.withdrawn:
                return []
            if described.offer and not command.is_offered:
                raise Rejected("offer-unknown", offer=described.offer)
            number = reward.number + 1
            return [
                RewardDescribed(
                    at=command.at,
                    reward_id=command.reward_id,
                    code=command.code,
                    number=number,
                    described=described,
                )
            ]
        case WithdrawReward(reason=reason):
            _known(reward)
            if reward.withdrawn:
                return []
            return [RewardWithdrawn(at=command.at, reward_id=command.reward_id, reason=reason)]
        case ChangeStock():
            return _counted(command, reward)


def _counted(command: ChangeStock, reward: Reward) -> Sequence[StockChanged]:
    if not _known(reward).counted:
        raise Rejected("stock-not-counted")
    left = command.left + command.change
    if left < 0:
        raise Rejected("stock-below-zero", left=command.left, change=command.change)
    if command.change == 0:
        return []
    return [
        StockChanged(
            at=command.at, reward_id=command.reward_id, change=command.change, reason=command.reason, left=left
        )
    ]


def _known(reward: Reward) -> Description:
    if reward.described is None:
        raise Rejected("reward-unknown")
    return reward.described


def evolve(reward: Reward, event: RewardEvent) -> Reward:
    """Return the reward after the event."""
    match event:
        case RewardDescribed():
            return Reward(event.number, event.described)
        case RewardWithdrawn():
            return replace(reward, withdrawn=True)
        case StockChanged():
            return reward
