"""An account: totals of its lots by expiry, open holds, debt. Pure; whole points.

Time alone lets pending points become active, points expire and holds lapse: `as_of` says what stands at an instant,
whether or not anything has been told of it. The state stays small however many lots there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.loyalty_points import AllowanceUse, LotPoints
from services.loyalty_points.domain.identity import Other, as_whom, other_of
from services.loyalty_points.domain.lots import is_alive
from services.loyalty_points.domain.totals import Active, Waiting, summed, summed_waiting, with_points
from shared.replacing import replace

FIGURES = ("debt", "earned", "taken_back", "redeemed", "expired", "forgiven", "moved")


@dataclass(frozen=True)
class Hold:
    """Points that are put by until an instant, by when they expire, soonest first."""

    hold_id: UUID
    points: int
    until: datetime
    parts: tuple[Active, ...]


@dataclass(frozen=True)
class Account:
    """A customer's points. What was taken back and could not be given stands as debt, and the next earnings pay it.

    `others` are those who were given up for her, whose points are hers; one that was given up has `moved_to`, and no
    points. `moved` is what came with splits, or went with them, beyond what the other figures say.
    """

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
    moved: int = 0
    others: tuple[Other, ...] = ()
    moved_to: UUID | None = None
    merge_id: UUID | None = None

    def earns(self, who: UUID, at: datetime, order: str) -> bool:
        """Return whether a receipt earns that was hers as `who`: it is a joining one of hers by then, or after it."""
        joined_order = self.joined_as(who, at) if self.others else self.joined_order
        return joined_order is not None and order >= joined_order

    def is_member(self, at: datetime) -> bool:
        """Return whether she was a member by an instant, under any of her ids."""
        joined = (self.member_since, *(other.member_since for other in self.others))
        return any(since is not None and since <= at for since in joined)

    def joined_as(self, who: UUID, at: datetime) -> str | None:
        """Return from which receipt on she is a member, as who she was at an instant."""
        orders = [one.joined_order for one in self.others if as_whom(self.others, one.customer_id, at) == who]
        if other_of(self.others, who) is None:
            orders.append(self.joined_order)
        return min((order for order in orders if order is not None), default=None)

    def joining_of(self, who: UUID) -> str | None:
        """Return from which receipt on an id of hers has joined."""
        other = other_of(self.others, who)
        return other.joined_order if other else self.joined_order

    def with_all_of(self, other: "Account", sign: int = 1) -> "Account":
        """Return the account with all points and figures of another more, or less."""
        active = summed([*self.active, *(Active(one.expires_at, sign * one.points) for one in other.active)])
        moved = (Waiting(one.active_from, one.expires_at, sign * one.points) for one in other.pending)
        gone = {hold.hold_id for hold in other.holds} if sign < 0 else set()
        holds = tuple(hold for hold in self.holds if hold.hold_id not in gone)
        return replace(
            self,
            active=active,
            pending=summed_waiting([*self.pending, *moved]),
            holds=(*holds, *(other.holds if sign > 0 else ())),
            **{name: getattr(self, name) + sign * getattr(other, name) for name in FIGURES},
        )

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
