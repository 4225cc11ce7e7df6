"""One customer's points: a ledger of lots, earned by receipts, taken back, held, spent and expired. Pure; whole points.

What the account is at an instant follows from the entries and the instant alone, whenever each of them was heard or
anything has fired. Debt is owed only while nothing is available or pending.
"""

from typing import Any, TypeAlias, get_args

from services.loyalty_points.domain.account import Account
from services.loyalty_points.domain.acts import AwardPoints, award
from services.loyalty_points.domain.events import (
    EVENTS,
    AccountEvent,
    BirthdayMonthNoted,
    EarningStarted,
    ForgivenessAsked,
    ForgivenessDeclined,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    TierNoted,
)
from services.loyalty_points.domain.expiring import ExpirePoints, NoticeExpiry, expire, notice
from services.loyalty_points.domain.folding import evolve
from services.loyalty_points.domain.forgiving import (
    ApproveForgiveness,
    DeclineForgiveness,
    ForgiveDebt,
    Forgiving,
    approve,
    decline,
    forgive,
)
from services.loyalty_points.domain.merging import (
    GiveBackAccount,
    GiveUpAccount,
    RestoreAccount,
    SettleReceipts,
    Share,
    TakeInAccount,
    give_back,
    give_up,
    restore,
    settle_receipts,
    take_in,
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
from services.loyalty_points.domain.traits import NoteBirthdayMonth, NoteTier, NoteTrait, note_trait
from shared.message import Command

__all__ = [
    "COMMANDS",
    "EVENTS",
    "IN_TURN",
    "SHAPE",
    "Account",
    "AccountCommand",
    "AccountEvent",
    "AllowPoints",
    "ApproveForgiveness",
    "AwardPoints",
    "BirthdayMonthNoted",
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
    "GiveBackAccount",
    "GiveUpAccount",
    "HoldPoints",
    "HoldReward",
    "KnownHold",
    "LapseHold",
    "Ledger",
    "NoteBirthdayMonth",
    "NoteTier",
    "NoticeExpiry",
    "ReceiptNoted",
    "ReceiptRecounted",
    "ReceiptReduced",
    "RecountReceipts",
    "RedeemPoints",
    "RedeemReward",
    "ReleaseHold",
    "RestoreAccount",
    "ReverseRedemption",
    "SettleReceipts",
    "Share",
    "StartEarning",
    "TakeInAccount",
    "TierNoted",
    "decide",
    "evolve",
    "follow",
    "initial",
    "renewed",
]

SHAPE = 5

Receipts: TypeAlias = CountReceipt | CountRefund | StartEarning | NoteTier | NoteBirthdayMonth | RecountReceipts
Spending: TypeAlias = HoldPoints | CapturePoints | ReleaseHold | LapseHold | RedeemPoints
Buying: TypeAlias = RedeemReward | HoldReward | ReverseRedemption
Letting: TypeAlias = ForgiveDebt | ApproveForgiveness | DeclineForgiveness
Offline: TypeAlias = AllowPoints | CountSpending
Passing: TypeAlias = GiveUpAccount | TakeInAccount | GiveBackAccount | RestoreAccount | SettleReceipts
Own: TypeAlias = Receipts | Spending | Buying | Offline | ExpirePoints | NoticeExpiry | Letting | AwardPoints
AccountCommand: TypeAlias = Own | Passing

COMMANDS: tuple[type[AccountCommand], ...] = get_args(AccountCommand)

IN_TURN: tuple[type[Command], ...] = get_args(Passing)

initial = Account()


def follow(command: AccountCommand, account: Account) -> Command | None:
    """Return the command for the account that hers is a part of now; None for what is about that itself."""
    if account.moved_to is None or isinstance(command, GiveUpAccount | RestoreAccount):
        return None
    onward: dict[str, Any] = {"customer_id": account.moved_to}
    if isinstance(command, CountReceipt | CountRefund | StartEarning | NoteTrait | AwardPoints):
        onward["under"] = command.under or command.customer_id
    return command.model_copy(update=onward)


def decide(command: AccountCommand, account: Account) -> list[AccountEvent]:
    """Return the events `command` causes; raise Rejected when a rule forbids it."""
    page = Page(command.customer_id, command.at, account, command.ledger)
    lapse(page)
    match command:
        case CountReceipt() | CountRefund() | StartEarning() | NoteTrait() | RecountReceipts():
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
        case HoldPoints() | CapturePoints() | ReleaseHold() | LapseHold() | RedeemPoints():
            _spend(command, page)
        case _:
            _pass_on(command, page)
    return page.events


def _count(command: Receipts, page: Page) -> None:
    match command:
        case CountReceipt(is_known=False):
            note(command, page)
        case CountReceipt():
            pass  # told twice, earns once
        case CountRefund():
            reduce(command, page)
        case NoteTrait():
            note_trait(command, page)
        case RecountReceipts():
            recount(command, page)
        case StartEarning():
            start(command, page)


def _let_go(command: Letting, page: Page) -> None:
    match command:
        case ForgiveDebt():
            forgive(command, page)
        case ApproveForgiveness():
            approve(command, page)
        case DeclineForgiveness():
            decline(command, page)


def _pass_on(command: Passing, page: Page) -> None:
    match command:
        case GiveUpAccount():
            give_up(command, page)
        case TakeInAccount():
            take_in(command, page)
        case GiveBackAccount():
            give_back(command, page)
        case RestoreAccount():
            restore(command, page)
        case SettleReceipts():
            settle_receipts(command, page)


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
