"""A reward as it stands at the moment somebody wants it, and why she may not have it. Pure; points are whole."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.loyalty_points import RewardBought, RewardKind
from contracts.money import LARGEST, Minor
from services.loyalty_points.offer.domain import OfferCode
from shared.errors import Rejected
from shared.message import Instant

_REWARDS = UUID("5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a05")
_COUPONS = UUID("5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a06")

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Most = Annotated[int, Field(ge=1, le=1_000_000)]


def reward_id(code: str) -> UUID:
    """Return the id of the reward of this code."""
    return uuid5(_REWARDS, code)


def coupon_id(customer_id: UUID, redemption_id: UUID) -> UUID:
    """Return the id of the coupon that a redemption gives: the same for ever, so that it gives one."""
    return uuid5(_COUPONS, f"{customer_id}/{redemption_id}")


class Description(BaseModel):
    """What a reward is, and who may have it. No tiers and no branches: all; no date: at any time.

    `amount_minor` is what a money-off takes off, `offer` whose coupon a coupon is. `counted`: there is a stock of it.
    `most_each` counts for ever, `most_in_period` in the last `period_days`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Title
    kind: RewardKind
    points: Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
    amount_minor: Annotated[Minor, Field(gt=0)] | None = None
    offer: OfferCode | None = None
    counted: bool = False
    most_each: Most | None = None
    most_in_period: Most | None = None
    period_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    tiers: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    branches: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()
    from_at: Instant | None = None
    until_at: Instant | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Description":
        if self.kind is RewardKind.UNKNOWN:
            raise ValueError("a kind of reward that there is not")
        if (self.kind is RewardKind.MONEY_OFF) != (self.amount_minor is not None):
            raise ValueError("a money-off, and nothing else, has an amount")
        if (self.kind is RewardKind.COUPON) != (self.offer is not None):
            raise ValueError("a coupon, and nothing else, is one of an offer")
        if (self.most_in_period is None) != (self.period_days is None):
            raise ValueError("a limit by period has both its number and its days")
        if self.from_at and self.until_at and self.from_at >= self.until_at:
            raise ValueError("it is over before it begins")
        return self


@dataclass(frozen=True)
class Offer:
    """A reward now, as guards.gather brings it: how many are left, how often she took it, and her tier."""

    code: str
    version: int
    described: Description
    withdrawn: bool
    left: int
    taken: int
    taken_in_period: int
    tier: str | None

    @property
    def is_coupon(self) -> bool:
        """Return whether it is a coupon, which nobody hands over."""
        return self.described.kind is RewardKind.COUPON

    def bought(self, branch: str, coupon: UUID | None = None) -> RewardBought:
        """Return it as an entry names it."""
        return RewardBought(
            code=self.code,
            version=self.version,
            kind=self.described.kind,
            branch=branch,
            amount_minor=self.described.amount_minor,
            offer=self.described.offer,
            coupon_id=coupon,
        )

    def check(self, branch: str, at: datetime) -> None:
        """Raise Rejected when she may not have it there and then."""
        self._check_offered(branch, at)
        its = self.described
        if its.tiers and self.tier not in its.tiers:
            raise Rejected("reward-not-for-tier", tier=self.tier, tiers=list(its.tiers))
        if its.most_each is not None and self.taken >= its.most_each:
            raise Rejected("reward-limit-reached", most=its.most_each)
        if its.most_in_period is not None and self.taken_in_period >= its.most_in_period:
            raise Rejected("reward-limit-of-period-reached", most=its.most_in_period, days=its.period_days)
        if its.counted and self.left < 1:
            raise Rejected("reward-out-of-stock")

    def _check_offered(self, branch: str, at: datetime) -> None:
        its = self.described
        if self.withdrawn:
            raise Rejected("reward-withdrawn")
        if its.from_at and at < its.from_at:
            raise Rejected("reward-not-yet", from_at=its.from_at.isoformat())
        if its.until_at and at >= its.until_at:
            raise Rejected("reward-over", until_at=its.until_at.isoformat())
        if its.branches and branch not in its.branches:
            raise Rejected("reward-not-here", branch=branch)
