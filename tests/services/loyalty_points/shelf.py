"""Rewards with guards in memory: what is on offer, what is left of it, and who took which."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.loyalty_points import HoldReleased, PointsHeld, PointsRedeemed, RedemptionReversed
from services.loyalty_points.domain import HoldReward, RedeemReward
from services.loyalty_points.reward.offer import Description, Offer, reward_id

Wish = RedeemReward | HoldReward


@dataclass
class Taken:
    """One that a customer took, and has not given back."""

    customer_id: UUID
    redemption_id: UUID
    code: str
    at: datetime


@dataclass
class Shelf:
    """What is on offer, by code; `stock` may be changed by a story."""

    described: dict[str, Description] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    tiers: dict[UUID, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    def offer(self, wish: Wish, now: datetime, lapsed: Collection[UUID]) -> Offer | None:
        """Return what she wants; what she did not fetch in time is back."""
        code = next((code for code in self.described if reward_id(code) == wish.reward_id), None)
        if code is None:
            return None
        its = self.described[code]
        own = [one for one in self.taken if (one.customer_id, one.code) == (wish.customer_id, code)]
        hers = [one.at for one in own if one.redemption_id not in lapsed]
        since = now - timedelta(days=its.period_days or 0)
        return Offer(
            code=code,
            version=1,
            described=its,
            withdrawn=code in self.withdrawn,
            left=self.stock.get(code, 0) + len(own) - len(hers),
            taken=len(hers),
            taken_in_period=sum(at > since for at in hers),
            tier=self.tiers.get(wish.customer_id),
        )

    def guard(self, event: Any) -> None:
        match event:
            case PointsHeld(reward=reward, hold_id=name) if reward:
                self._take(Taken(event.customer_id, name, reward.code, event.at))
            case PointsRedeemed(reward=reward, hold_id=None, redemption_id=name) if reward:
                self._take(Taken(event.customer_id, name, reward.code, event.at))
            case HoldReleased(hold_id=name) | RedemptionReversed(redemption_id=name):
                self._give_back(one for one in self.taken if one.redemption_id == name)

    def _take(self, one: Taken) -> None:
        self.taken.append(one)
        self._move(one.code, -1)

    def _give_back(self, ones: Iterable[Taken]) -> None:
        for one in list(ones):
            self.taken.remove(one)
            self._move(one.code, 1)

    def _move(self, code: str, change: int) -> None:
        if self.described[code].counted:
            self.stock[code] = self.stock.get(code, 0) + change
