"""What happens to an account that nobody else needs to know, and all that happens to it. Pure."""

from datetime import date
from typing import TypeAlias, get_args
from uuid import UUID

from contracts.loyalty_points import (
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    PointsTakenBack,
)
from services.loyalty_points.terms import Terms
from shared.message import Event


class ReceiptNoted(Event):
    """A receipt of the customer's is known, and the terms of its time, whether or not she is a member."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    zone: str
    on: date
    order: str
    lines: dict[int, int]
    net_minor: int
    terms: Terms
    policy_version: int
    till: str = ""
    number: str = ""


class ReceiptReduced(Event):
    """A refund left less of some lines of a receipt."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]


class EarningStarted(Event):
    """Receipts earn from `joined_order` on: the first time, or earlier than was known."""

    customer_id: UUID
    joined_order: str


class TierNoted(Event):
    """The customer is of a tier from `at` on, until the next one begins; membership has said so."""

    customer_id: UUID
    tier: str


Entry: TypeAlias = (
    PointsEarned
    | PointsTakenBack
    | PointsHeld
    | HoldReleased
    | PointsRedeemed
    | PointsExpired
    | ExpiryNoticed
    | DebtForgiven
)
Noted: TypeAlias = ReceiptNoted | ReceiptReduced | TierNoted
AccountEvent: TypeAlias = Noted | EarningStarted | Entry

EVENTS = (ReceiptNoted, ReceiptReduced, EarningStarted, TierNoted, *get_args(Entry))
