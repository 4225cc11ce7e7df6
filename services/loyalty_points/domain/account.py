"""An account: totals of its lots by expiry, open holds, debt, and what each entry makes of them. Pure; whole points.

Time alone lets pending points become active, points expire and holds lapse: `as_of` says what stands at an instant,
whether or not anything has been told of it. The state stays small however many lots there are.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypeAlias
from uuid import UUID

from pydantic import BeforeValidator, PlainSerializer

from contracts.loyalty_points import (
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    LotPoints,
    PointsAwarded,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    PointsTakenBack,
)
from services.loyalty_points.domain.events import (
    AccountEvent,
    EarningStarted,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    TierNoted,
)
from services.loyalty_points.domain.lots import NEVER, Gain, is_alive, lot_of


def _instant(stored: Any) -> Any:
    return datetime.fromtimestamp(stored * 60, UTC) if isinstance(stored, int) else stored


def _minutes(at: datetime) -> int:
    return int(at.timestamp()) // 60


# the first instant of some local day, in whole minutes: as text it would be longer than all that is said of it
Midnight = Annotated[datetime, BeforeValidator(_instant), PlainSerializer(_minutes, return_type=int)]


Spent: TypeAlias = PointsHeld | HoldReleased | PointsRedeemed
Moving: TypeAlias = Gain | PointsTakenBack | PointsExpired | DebtForgiven | Spent


class Active(NamedTuple):
    """Points that can be spent until they expire; None is never."""

    expires_at: Midnight | None
    points: int


class Waiting(NamedTuple):
    """Points that cannot be spent yet."""

    active_from: Midnight
    expires_at: Midnight | None
    points: int


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
        return replace(self, active=_summed([*self.active, *now_active]), pending=left)

    def without(self, hold_id: UUID | None) -> "Account":
        """Return the account with a hold ended."""
        return replace(self, holds=tuple(hold for hold in self.holds if hold.hold_id != hold_id))

    def returned(self, hold: Hold) -> "Account":
        """Return the account with a lapsed hold's points back: they settle debt first, unless they have expired."""
        debt, back = self.debt, []
        for expires_at, points in hold.parts:
            repaid = min(debt, points) if is_alive(expires_at, hold.until) else 0
            debt -= repaid
            back.append(Active(expires_at, points - repaid))
        return replace(self, active=_summed([*self.active, *back]), debt=debt)

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
        all_of_it = _summed([*account.active, *(Active(w.expires_at, w.points) for w in account.pending)])
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
                active = _with(active, part.expires_at, sign * part.points)
        return replace(self, active=active, pending=_summed_waiting(pending) if pending else ())

    def minus(self, parts: Iterable[LotPoints], at: datetime) -> "Account":
        """Return the account with points of lots less."""
        return self.plus(parts, at, -1)


def _with(totals: tuple[Active, ...], expires_at: datetime | None, points: int) -> tuple[Active, ...]:
    """Return sorted totals with points more at one of them: the sort of hundreds for each entry would be most of it."""
    place = bisect_left(totals, expires_at or NEVER, key=_by_expiry)
    is_there = place < len(totals) and totals[place].expires_at == expires_at
    points += totals[place].points if is_there else 0
    return (*totals[:place], *([Active(expires_at, points)] if points else ()), *totals[place + is_there :])


def _by_expiry(total: Active) -> datetime:
    return total.expires_at or NEVER


def _summed(totals: Iterable[Active]) -> tuple[Active, ...]:
    sums: dict[datetime, int] = {}
    for expires_at, points in totals:
        sums[expires_at or NEVER] = sums.get(expires_at or NEVER, 0) + points
    return tuple(Active(None if at == NEVER else at, sums[at]) for at in sorted(sums) if sums[at])


def _summed_waiting(totals: Iterable[Waiting]) -> tuple[Waiting, ...]:
    sums: dict[tuple[datetime, datetime], int] = {}
    for active_from, expires_at, points in totals:
        key = active_from, expires_at or NEVER
        sums[key] = sums.get(key, 0) + points
    return tuple(Waiting(a, None if e == NEVER else e, sums[a, e]) for a, e in sorted(sums) if sums[a, e])


def evolve(account: Account, event: AccountEvent) -> Account:
    """Return the account after `event`; never refuses, for it has happened."""
    match event:
        case EarningStarted(at=at, joined_order=order):
            return replace(account, joined_order=order, member_since=at)
        case ReceiptNoted() | ReceiptReduced() | ReceiptRecounted() | TierNoted() | ExpiryNoticed():
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
            parts = _summed(Active(part.expires_at, part.points) for part in event.lots)
            hold = Hold(event.hold_id, event.points, event.until, parts)
            return replace(account.minus(event.lots, at), holds=(*account.holds, hold))
        case HoldReleased():
            return account.without(event.hold_id).plus(event.lots, at).minus(event.repaid, at)
        case PointsRedeemed():
            account = replace(account, redeemed=account.redeemed + event.points)
            if event.hold_id is None:
                return account.minus(event.lots, at)
            return account.without(event.hold_id).plus(event.returned, at).minus(event.repaid, at)


def _gained(event: Gain) -> LotPoints:
    return LotPoints(
        lot_id=lot_of(event),
        points=event.points - event.repaid,
        branch=event.branch,
        on=event.on,
        active_from=event.active_from,
        expires_at=event.expires_at,
    )
