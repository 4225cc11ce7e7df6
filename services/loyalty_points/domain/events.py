"""What happens to an account that nobody else needs to know, and all that happens to it. Pure."""

from datetime import date
from typing import TypeAlias, get_args
from uuid import UUID

from pydantic import Field

from contracts.loyalty_points import (
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    PointsAwarded,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsMerged,
    PointsRedeemed,
    PointsSpentOffline,
    PointsSplit,
    PointsTakenBack,
    RedemptionReversed,
)
from services.loyalty_points.domain.account import Account
from services.loyalty_points.worth import Item
from shared.message import Event, Instant


class ReceiptNoted(Event):
    """A receipt of the customer's is known, and the policy of its time, whether or not she is a member.

    `customer_id` is the id that it names, here and in the next ones: she may have taken another's account over.

    `lines` are the net amounts by line, `items` what the lines sell.
    """

    customer_id: UUID
    sale_id: UUID
    branch: str
    zone: str
    on: date
    order: str
    lines: dict[int, int]
    items: dict[int, Item] = Field(default_factory=dict)
    net_minor: int
    policy_version: int
    till: str = ""
    number: str = ""


class ReceiptReduced(Event):
    """A refund left less of some lines of a receipt."""

    customer_id: UUID
    sale_id: UUID
    lines: dict[int, int]


class ReceiptRecounted(Event):
    """A receipt earns by another version of the policy, which was signed later for its time."""

    customer_id: UUID
    sale_id: UUID
    policy_version: int


class EarningStarted(Event):
    """Receipts earn from `joined_order` on: the first time, or earlier than was known."""

    customer_id: UUID
    joined_order: str


class TierNoted(Event):
    """The customer is of a tier from `at` on, until the next one begins; membership has said so."""

    customer_id: UUID
    tier: str


class BirthdayMonthNoted(Event):
    """The customer's birthday is in this month, as she has said at `at`, until she says another."""

    customer_id: UUID
    month: int


class AccountGivenUp(Event):
    """She is the same person as `into`: her account, as it was then, goes on as a part of that one's."""

    customer_id: UUID
    into: UUID
    merge_id: UUID
    account: Account
    booked_at: Instant | None = None


class AccountTakenIn(Event):
    """The account of one who was given up for `into`, or for whoever that one was given up for, is this one's now."""

    customer_id: UUID
    given_up: UUID
    into: UUID
    merge_id: UUID
    account: Account
    booked_at: Instant | None = None


class AccountGivenBack(Event):
    """They are two: what is left of what `restored` brought and has earned since is not this one's any more."""

    customer_id: UUID
    restored: UUID
    merge_id: UUID
    account: Account
    booked_at: Instant | None = None


class AccountRestored(Event):
    """She is on her own again, with this account."""

    customer_id: UUID
    merge_id: UUID
    account: Account
    booked_at: Instant | None = None


class ForgivenessAsked(Event):
    """Somebody would let a debt go that is too large for one person; a second one is waited for."""

    customer_id: UUID
    forgiveness_id: UUID
    points: int
    reason: str
    asked_by: str
    until: Instant


class ForgivenessDeclined(Event):
    """A debt is not let go."""

    customer_id: UUID
    forgiveness_id: UUID
    declined_by: str


Entry: TypeAlias = (
    PointsEarned
    | PointsAwarded
    | PointsTakenBack
    | PointsHeld
    | HoldReleased
    | PointsRedeemed
    | RedemptionReversed
    | PointsSpentOffline
    | PointsExpired
    | ExpiryNoticed
    | DebtForgiven
    | PointsMerged
    | PointsSplit
)
PassedOn: TypeAlias = AccountGivenUp | AccountTakenIn | AccountGivenBack | AccountRestored
Asked: TypeAlias = ForgivenessAsked | ForgivenessDeclined
Noted: TypeAlias = (
    ReceiptNoted | ReceiptReduced | ReceiptRecounted | TierNoted | BirthdayMonthNoted | EarningStarted | Asked
)
AccountEvent: TypeAlias = Noted | PassedOn | Entry

EVENTS = (
    ReceiptNoted,
    ReceiptReduced,
    ReceiptRecounted,
    EarningStarted,
    TierNoted,
    BirthdayMonthNoted,
    ForgivenessAsked,
    ForgivenessDeclined,
    *get_args(PassedOn),
    *get_args(Entry),
)
