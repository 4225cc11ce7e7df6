"""An account: totals of its lots by expiry, open holds, debt, and what each entry makes of them. Pure; whole points.

Time alone lets pending points become active, points expire and holds lapse: `as_of` says what stands at an instant,
whether or not anything has been told of it. The state stays small however many lots there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from contracts.loyalty_points import (
    AllowanceUse,
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    LotPoints,
    PointsAwarded,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    PointsSpentOffline,
    PointsTakenBack,
    RedemptionReversed,
)
from services.loyalty_points.domain.events import (
    AccountEvent,
    EarningStarted,
    ForgivenessAsked,
    ForgivenessDeclined,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    TierNoted,
)
from services.loyalty_points.domain.lots import Gain, is_alive, lot_of
from services.loyalty_points.domain.totals import Active, Waiting, summed, summed_waiting, with_points

Spent: TypeAlias = PointsHeld | HoldReleased | PointsRedeemed | RedemptionReversed | PointsSpentOffline
Moving: TypeAlias = Gain | PointsTakenBack | PointsExpired | DebtForgiven | Spent


@dataclass(frozen=True)
class Hold:
    """Points that are put by until an instant, by when they expire, soonest first."""

    hold_id: UUID
    points: int
    until: datetime
    parts: tuple[Active, ...]


@dataclass(frozen=True)
class Account:
    """A customer's points. What was taken back and could not be given stands as debt, and the next earnings pay it."""

    joined_order: str | None = None
    member_since: datetime | None = None
    active: tuple[Active, ...] = ()
    pending: tuple[Waiting, ...] = ()
    holds: tuple[Hold, ...] = ()
    debt: int = 0
    earned: int = 0
    taken_back: int = 0
    redeemed: int = 0
    expired: int = 0
    forgiven: int = 0

    def has_earned(self, order: str) -> bool:
        """Return whether a known receipt has earned: it is the joining one, or after it."""
        return self.joined_order is not None and order >= self.joined_order

    def as_of(self, at: datetime) -> "Account":
        """Return the account with what has become active by then, and with what has lapsed by then given back."""
        account = self.matured(at)
        for hold in sorted((h for h in self.holds if h.until <= at), key=lambda h: (h.until, h.hold_id)):
            account = account.without(hold.hold_id).returned(hold)
        return account

    def matured(self, at: datetime) -> "Account":
        """Return the account with the pending totals that are active by then among the active ones."""
        if not self.pending or self.pending[0].active_from > at:
            return self
        now_active = [Active(w.expires_at, w.points) for w in self.pending if w.active_from <= at]
        left = tuple(w for w in self.pending if w.active_from > at)
        return replace(self, active=summed([*self.active, *now_active]), pending=left)

    def without(self, hold_id: UUID | None) -> "Account":
        """Return the account with a hold ended."""
        return replace(self, holds=tuple(hold for hold in self.holds if hold.hold_id != hold_id))

    def using(self, use: AllowanceUse) -> "Account":
        """Return the account with points of a hold spent; one of which nothing is left has ended."""
        gone = [Active(part.expires_at, -part.points) for part in use.lots]
        points = -sum(part.points for part in gone)
        held = (
            replace(hold, points=hold.points - points, parts=summed([*hold.parts, *gone]))
            if hold.hold_id == use.hold_id
            else hold
            for hold in self.holds
        )
        return replace(self, holds=tuple(hold for hold in held if hold.points))

    def returned(self, hold: Hold) -> "Account":
        """Return the account with a lapsed hold's points back: they settle debt first, unless they have expired."""
        debt, back = self.debt, []
        for expires_at, points in hold.parts:
            repaid = min(debt, points) if is_alive(expires_at, hold.until) else 0
            debt -= repaid
            back.append(Active(expires_at, points - repaid))
        return replace(self, active=summed([*self.active, *back]), debt=debt)

    def available(self, at: datetime) -> int:
        """Return what can be spent at an instant."""
        return sum(points for expires_at, points in self.as_of(at).active if is_alive(expires_at, at))

    def waiting(self, at: datetime) -> int:
        """Return what cannot be spent yet at an instant."""
        return sum(w.points for w in self.matured(at).pending if is_alive(w.expires_at, at))

    def reserved(self, at: datetime) -> int:
        """Return what is held at an instant."""
        return sum(hold.points for hold in self.holds if hold.until > at)

    def expiring(self, at: datetime) -> list[Active]:
        """Return what is available or pending and will expire, soonest first."""
        account = self.as_of(at)
        all_of_it = summed([*account.active, *(Active(w.expires_at, w.points) for w in account.pending)])
        return [one for one in all_of_it if one.expires_at and one.expires_at > at]

    def over(self, at: datetime) -> int:
        """Return what is over at an instant and has not been told of yet."""
        account = self.as_of(at)
        totals = [*account.active, *(Active(w.expires_at, w.points) for w in account.pending)]
        return sum(points for expires_at, points in totals if not is_alive(expires_at, at))

    def plus(self, parts: Iterable[LotPoints], at: datetime, sign: int = 1) -> "Account":
        """Return the account with points of lots more, or less."""
        active, pending = self.active, list(self.pending)
        for part in parts:
            if part.active_from and part.active_from > at:
                pending.append(Waiting(part.active_from, part.expires_at, sign * part.points))
            else:
                active = with_points(active, part.expires_at, sign * part.points)
        return replace(self, active=active, pending=summed_waiting(pending) if pending else ())

    def minus(self, parts: Iterable[LotPoints], at: datetime) -> "Account":
        """Return the account with points of lots less."""
        return self.plus(parts, at, -1)


def evolve(account: Account, event: AccountEvent) -> Account:
    """Return the account after `event`; never refuses, for it has happened."""
    match event:
        case EarningStarted(at=at, joined_order=order):
            return replace(account, joined_order=order, member_since=at)
        case ReceiptNoted() | ReceiptReduced() | ReceiptRecounted() | TierNoted() | ExpiryNoticed():
            return account
        case ForgivenessAsked() | ForgivenessDeclined():
            return account
        case _:
            at = event.booked_at or event.at
            return replace(_entered(account.matured(at), event, at), debt=event.debt)


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
