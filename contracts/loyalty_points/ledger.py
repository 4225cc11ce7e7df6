"""The entries of the points ledger. Points are whole; of an earning, `branch` and `on` (local day) are the receipt's.

After every entry stand `balance` (what can be spent), `pending` (what cannot be yet) and `debt`, as of `booked_at`: the
ledger's own clock, for `at` may be long before it. What is held is in none of the three.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.loyalty_points.reward import RewardBought
from contracts.money import Points, Whole
from shared.message import Event, Instant


class Release(StrEnum):
    """How a hold ended without being spent; a list that may grow: who is older than a value reads `unknown`."""

    RELEASED = "released"
    LAPSED = "lapsed"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Release | None":
        return cls.UNKNOWN if isinstance(value, str) else None


class LotPoints(BaseModel):
    """Points of one lot, of that branch and local day; spent from `active_from` (null: at once) to `expires_at`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lot_id: UUID
    points: Points
    branch: str
    on: date
    active_from: Instant | None = None
    expires_at: Instant | None = None


class RulePoints(BaseModel):
    """What a rule gave: `base` (the rate), `tier/gold`, `bonus/double-tuesday`; below zero where it takes off."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: str
    points: Whole


class PointsEarned(Event):
    """A member's receipt earned; `repaid` of the points settled a debt, `balance` and `debt` stand after it.

    A receipt may earn again, from another `source`, when a tier or another receipt is heard late. `by` says which rule
    gave how many; empty is all by the rate alone. `origin` is the id that it was sold under, where that was given up.
    """

    customer_id: UUID
    sale_id: UUID
    branch: str
    on: date
    points: Points
    repaid: Points = 0
    balance: Points
    debt: Points = 0
    policy_version: Whole
    pending: Points = 0
    booked_at: Instant | None = None
    lot_id: UUID | None = None
    source: str = ""
    active_from: Instant | None = None
    expires_at: Instant | None = None
    by: tuple[RulePoints, ...] = ()
    origin: UUID | None = None


class PointsTakenBack(Event):
    """Points of a receipt were taken back, by a refund or a correction; what the balance could not give became debt.

    `from_expired` of them had expired with the receipt's own lot: they count as taken back, and no more as expired.
    `corrected` is by how much the receipt has earned less than was said, `by` which rule: something was heard late. It
    may be more than `points`, when refunds had taken the others back before.
    """

    customer_id: UUID
    sale_id: UUID
    branch: str
    on: date
    points: Points
    balance: Points
    debt: Points = 0
    policy_version: Whole
    pending: Points = 0
    booked_at: Instant | None = None
    lot_id: UUID | None = None
    lots: tuple[LotPoints, ...] = ()
    from_expired: Points = 0
    corrected: Points = 0
    by: tuple[RulePoints, ...] = ()
    origin: UUID | None = None


class PointsHeld(Event):
    """Points were put by until an instant, for somebody who is about to spend them.

    They may be for a `reward` that is to be fetched, or an allowance of the `till` of a `branch`.
    """

    customer_id: UUID
    hold_id: UUID
    points: Points
    until: Instant
    lots: tuple[LotPoints, ...]
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None
    reward: RewardBought | None = None
    branch: str | None = None
    till: str | None = None


class HoldReleased(Event):
    """A hold ended: `lots` went back, of which `repaid` settled a debt. Of an allowance, what was not spent of it."""

    customer_id: UUID
    hold_id: UUID
    points: Points
    why: Release
    lots: tuple[LotPoints, ...]
    repaid: tuple[LotPoints, ...] = ()
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None


class PointsRedeemed(Event):
    """Points were spent: at the desk, or of a hold, whose rest is `returned`, of which `repaid` settled a debt.

    `branch` is where, as far as who spent them is of one.
    """

    customer_id: UUID
    redemption_id: UUID
    hold_id: UUID | None = None
    points: Points
    lots: tuple[LotPoints, ...]
    returned: tuple[LotPoints, ...] = ()
    repaid: tuple[LotPoints, ...] = ()
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None
    branch: str | None = None
    reward: RewardBought | None = None


class PointsExpired(Event):
    """What was left of lots was over at `expires_at`, and cannot be spent any more."""

    customer_id: UUID
    points: Points
    lots: tuple[LotPoints, ...]
    expires_at: Instant
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None


class ExpiryNoticed(Event):
    """Points will expire in so many days, unless they are spent; said once of each day and expiry."""

    customer_id: UUID
    points: Points
    expires_at: Instant
    days: Annotated[int, Field(ge=1, le=366)]
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None


class DebtForgiven(Event):
    """Staff let a debt go, or a part of it; `reason` is a code, never a sentence about somebody."""

    customer_id: UUID
    points: Points
    reason: str
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None
    forgiveness_id: UUID | None = None
