"""One customer's points: a ledger of lots, earned by receipts, taken back, held, spent and expired. Pure; whole points.

What the account is at an instant follows from the entries and the instant alone, whenever each of them was heard or
anything has fired. Debt is owed only while nothing is available or pending.
"""

from typing import TypeAlias

from services.loyalty_points.domain.account import Account, evolve
from services.loyalty_points.domain.acts import AwardPoints, award
from services.loyalty_points.domain.events import (
    EVENTS,
    AccountEvent,
    EarningStarted,
    ForgivenessAsked,
    ForgivenessDeclined,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    TierNoted,
)
from services.loyalty_points.domain.expiring import ExpirePoints, NoticeExpiry, expire, notice
from services.loyalty_points.domain.forgiving import (
    ApproveForgiveness,
    DeclineForgiveness,
    ForgiveDebt,
    Forgiving,
    approve,
    decline,
    forgive,
)
from services.loyalty_points.domain.offline import AllowPoints, CountSpending, allow, count_spending
from services.loyalty_points.domain.page import KnownHold, Ledger, Page
from services.loyalty_points.domain.receipts import CountReceipt, CountRefund, StartEarning, note, reduce, start
from services.loyalty_points.domain.recounting import RecountReceipts, recount
from services.loyalty_points.domain.rewards import (
    HoldReward,
    RedeemReward,
    ReverseRedemption,
    hold_reward,
    redeem_reward,
    reverse,
)
from services.loyalty_points.domain.sharing import renewed
from services.loyalty_points.domain.spending import (
    CapturePoints,
    HoldPoints,
    LapseHold,
    RedeemPoints,
    ReleaseHold,
    capture,
    hold,
    lapse,
    redeem,
    release,
)
from services.loyalty_points.domain.tiers import NoteTier, note_tier

__all__ = [
    "COMMANDS",
    "EVENTS",
    "SHAPE",
    "Account",
    "AccountCommand",
    "AccountEvent",
    "AllowPoints",
    "ApproveForgiveness",
    "AwardPoints",
    "CapturePoints",
    "CountReceipt",
    "CountRefund",
    "CountSpending",
    "DeclineForgiveness",
    "EarningStarted",
    "ExpirePoints",
    "ForgiveDebt",
    "ForgivenessAsked",
    "ForgivenessDeclined",
    "Forgiving",
    "HoldPoints",
    "HoldReward",
    "KnownHold",
    "LapseHold",
    "Ledger",
    "NoteTier",
    "NoticeExpiry",
    "ReceiptNoted",
    "ReceiptRecounted",
    "ReceiptReduced",
    "RecountReceipts",
    "RedeemPoints",
    "RedeemReward",
    "ReleaseHold",
    "ReverseRedemption",
    "StartEarning",
    "TierNoted",
    "decide",
    "evolve",
    "initial",
    "renewed",
]

SHAPE = 3

Receipts: TypeAlias = CountReceipt | CountRefund | StartEarning | NoteTier | RecountReceipts
Spending: TypeAlias = HoldPoints | CapturePoints | ReleaseHold | LapseHold | RedeemPoints
Buying: TypeAlias = RedeemReward | HoldReward | ReverseRedemption
Letting: TypeAlias = ForgiveDebt | ApproveForgiveness | DeclineForgiveness
Offline: TypeAlias = AllowPoints | CountSpending
AccountCommand: TypeAlias = Receipts | Spending | Buying | Offline | ExpirePoints | NoticeExpiry | Letting | AwardPoints

COMMANDS = (
    CountReceipt,
    CountRefund,
    StartEarning,
    NoteTier,
    RecountReceipts,
    HoldPoints,
    CapturePoints,
    ReleaseHold,
    LapseHold,
    RedeemPoints,
    RedeemReward,
    HoldReward,
    ReverseRedemption,
    AllowPoints,
    CountSpending,
    ExpirePoints,
    NoticeExpiry,
    ForgiveDebt,
    AwardPoints,
    ApproveForgiveness,
    DeclineForgiveness,
)

initial = Account()


def decide(command: AccountCommand, account: Account) -> list[AccountEvent]:
    """Return the events `command` causes; raise Rejected when a rule forbids it."""
    page = Page(command.customer_id, command.at, account, command.ledger)
    lapse(page)
    match command:
        case CountReceipt() | CountRefund() | StartEarning() | NoteTier() | RecountReceipts():
            _count(command, page)
        case ExpirePoints():
            expire(command, page)
        case NoticeExpiry():
            notice(command, page)
        case AwardPoints():
            award(command, page)
        case ForgiveDebt() | ApproveForgiveness() | DeclineForgiveness():
            _let_go(command, page)
        case RedeemReward() | HoldReward() | ReverseRedemption() | AllowPoints() | CountSpending():
            _buy(command, page)
        case _:
            _spend(command, page)
    return page.events


def _count(command: Receipts, page: Page) -> None:
    match command:
        case CountReceipt(is_known=False):
            note(command, page)
        case CountReceipt():
            pass  # told twice, earns once
        case CountRefund():
            reduce(command, page)
        case NoteTier():
            note_tier(command, page)
        case RecountReceipts():
            recount(command, page)
        case StartEarning(joined_order=order) if not page.account.has_earned(order):
            start(command, page)
        case StartEarning():
            pass  # told twice, or after an earlier one


def _let_go(command: Letting, page: Page) -> None:
    match command:
        case ForgiveDebt():
            forgive(command, page)
        case ApproveForgiveness():
            approve(command, page)
        case DeclineForgiveness():
            decline(command, page)


def _buy(command: Buying | Offline, page: Page) -> None:
    match command:
        case RedeemReward():
            redeem_reward(command, page)
        case HoldReward():
            hold_reward(command, page)
        case ReverseRedemption():
            reverse(command, page)
        case AllowPoints():
            allow(command, page)
        case CountSpending():
            count_spending(command, page)


def _spend(command: Spending, page: Page) -> None:
    match command:
        case HoldPoints():
            hold(command, page)
        case CapturePoints():
            capture(command, page)
        case ReleaseHold():
            release(command, page)
        case RedeemPoints():
            redeem(command, page)
        case LapseHold():
            pass  # as for every command, what has lapsed is given back
