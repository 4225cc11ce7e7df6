"""What each entry makes of an account. Pure; whole points."""

from datetime import datetime
from typing import TypeAlias

from contracts.loyalty_points import (
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    LotPoints,
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
from services.loyalty_points.domain.account import Account, Hold
from services.loyalty_points.domain.events import (
    AccountEvent,
    AccountGivenBack,
    AccountGivenUp,
    AccountRestored,
    AccountTakenIn,
    BirthdayMonthNoted,
    EarningStarted,
    ForgivenessAsked,
    ForgivenessDeclined,
    PassedOn,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    TierNoted,
)
from services.loyalty_points.domain.identity import Other, other_of
from services.loyalty_points.domain.lots import Gain, lot_of
from services.loyalty_points.domain.totals import Active, summed
from shared.replacing import replace

Spent: TypeAlias = PointsHeld | HoldReleased | PointsRedeemed | RedemptionReversed | PointsSpentOffline
Moving: TypeAlias = Gain | PointsTakenBack | PointsExpired | DebtForgiven | PointsMerged | PointsSplit | Spent


def evolve(account: Account, event: AccountEvent) -> Account:
    """Return the account after `event`; never refuses, for it has happened."""
    match event:
        case EarningStarted():
            return _joined(account, event)
        case (
            ReceiptNoted()
            | ReceiptReduced()
            | ReceiptRecounted()
            | TierNoted()
            | BirthdayMonthNoted()
            | ExpiryNoticed()
        ):
            return account
        case ForgivenessAsked() | ForgivenessDeclined():
            return account
        case AccountGivenUp() | AccountTakenIn() | AccountGivenBack() | AccountRestored():
            return _passed_on(account, event)
        case _:
            at = event.booked_at or event.at
            return _owing(_entered(account.matured(at), event, at), event.debt)


def _owing(account: Account, debt: int) -> Account:
    """Return the account with a debt; what others brought of it is at most that from then on."""
    if any(other.debt > debt for other in account.others):
        account = replace(account, others=tuple(replace(one, debt=min(one.debt, debt)) for one in account.others))
    return account if account.debt == debt else replace(account, debt=debt)


def _joined(account: Account, event: EarningStarted) -> Account:
    at, order = event.at, event.joined_order
    if other_of(account.others, event.customer_id) is None:
        return replace(account, joined_order=order, member_since=at)
    others = (
        replace(one, joined_order=order, member_since=at) if one.customer_id == event.customer_id else one
        for one in account.others
    )
    return replace(account, others=tuple(others))


def _passed_on(account: Account, event: PassedOn) -> Account:
    at = event.booked_at or event.at
    account, passed = account.matured(at), event.account.matured(at)
    match event:
        case AccountGivenUp(into=into, merge_id=merge_id):
            return Account(account.joined_order, account.member_since, moved_to=into, merge_id=merge_id)
        case AccountTakenIn():
            own = Other(
                event.given_up,
                event.into,
                event.merge_id,
                event.at,
                passed.joined_order,
                passed.member_since,
                passed.debt,
            )
            return replace(account.with_all_of(passed), others=(*account.others, own, *passed.others))
        case AccountGivenBack(restored=restored):
            gone = {restored, *(one.customer_id for one in passed.others)}
            others = tuple(one for one in account.others if one.customer_id not in gone)
            return replace(account.with_all_of(passed, -1), others=others)
        case AccountRestored():
            return passed


def _entered(account: Account, event: Moving, at: datetime) -> Account:
    match event:
        case PointsEarned() | PointsAwarded():
            return replace(account.plus([_gained(event)], at), earned=account.earned + event.points)
        case PointsTakenBack():
            taken_back = account.taken_back + event.points - event.corrected
            account = replace(account, earned=account.earned - event.corrected, taken_back=taken_back)
            return replace(account, expired=account.expired - event.from_expired).minus(event.lots, at)
        case PointsExpired(points=points):
            return replace(account.minus(event.lots, at), expired=account.expired + points)
        case DebtForgiven(points=points):
            return replace(account, forgiven=account.forgiven + points)
        case PointsMerged(repaid=repaid):
            return account.minus(repaid, at)
        case PointsSplit():
            return account
        case _:
            return _spent(account, event, at)


def _spent(account: Account, event: Spent, at: datetime) -> Account:
    match event:
        case PointsHeld():
            parts = summed(Active(part.expires_at, part.points) for part in event.lots)
            hold = Hold(event.hold_id, event.points, event.until, parts)
            return replace(account.minus(event.lots, at), holds=(*account.holds, hold))
        case HoldReleased():
            return account.without(event.hold_id).plus(event.lots, at).minus(event.repaid, at)
        case PointsRedeemed():
            account = replace(account, redeemed=account.redeemed + event.points)
            if event.hold_id is None:
                return account.minus(event.lots, at)
            return account.without(event.hold_id).plus(event.returned, at).minus(event.repaid, at)
        case RedemptionReversed():
            account = replace(account, redeemed=account.redeemed - event.points)
            return account.plus(event.lots, at).minus(event.repaid, at)
        case PointsSpentOffline():
            for use in event.allowances:
                account = account.using(use)
            gone = sum(part.points for part in event.from_expired)
            account = replace(account, redeemed=account.redeemed + event.points, expired=account.expired - gone)
            return account.minus(event.lots, at)


def _gained(event: Gain) -> LotPoints:
    return LotPoints(
        lot_id=lot_of(event),
        points=event.points - event.repaid,
        branch=event.branch,
        on=event.on,
        active_from=event.active_from,
        expires_at=event.expires_at,
    )
