"""What a coupon is, and what each event makes of it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from contracts.loyalty_points import CouponExpired, CouponIssued, CouponRedeemed, CouponRolledBack, CouponVoided
from shared.message import Event, Instant
from shared.replacing import replace

INACTIVE, ACTIVE, LOCKED = "inactive", "active", "locked"
REDEEMED, EXPIRED, VOIDED = "redeemed", "expired", "voided"


class Unlocking(StrEnum):
    """How a lock ended without a redemption."""

    RELEASED = "released"
    LAPSED = "lapsed"


class CouponLocked(Event):
    """A checkout keeps the coupon until an instant."""

    customer_id: UUID
    coupon_id: UUID
    session_id: UUID
    until: Instant


class CouponUnlocked(Event):
    """The lock is over, and the coupon free."""

    customer_id: UUID
    coupon_id: UUID
    session_id: UUID
    until: Instant
    why: Unlocking


class Lock(NamedTuple):
    """Whose checkout keeps it, and until when."""

    session_id: UUID
    until: datetime


Told: TypeAlias = CouponIssued | CouponRedeemed | CouponRolledBack | CouponExpired | CouponVoided
CouponEvent: TypeAlias = Told | CouponLocked | CouponUnlocked


@dataclass(frozen=True)
class Coupon:
    """A coupon; one without a customer is not there. `basket_id` redeemed it, `undone_id` was rolled back last."""

    customer_id: UUID | None = None
    offer: str = ""
    active_from: datetime | None = None
    expires_at: datetime | None = None
    lock: Lock | None = None
    basket_id: UUID | None = None
    undone_id: UUID | None = None
    ended: str | None = None

    def status(self, at: datetime) -> str:
        """Return what it is at an instant, whether or not anything has been told of it."""
        if self.ended:
            return self.ended
        if self.basket_id:
            return REDEEMED
        if self.expires_at and at >= self.expires_at:
            return EXPIRED
        if self.active_from and at < self.active_from:
            return INACTIVE
        return LOCKED if self.lock and at < self.lock.until else ACTIVE

    def facts(self) -> dict[str, Any]:
        """Return what explains a refusal; never whose it is or who keeps it."""
        told = {
            "active_from": self.active_from,
            "expires_at": self.expires_at,
            "locked_until": self.lock.until if self.lock else None,
        }
        return {name: at.isoformat() for name, at in told.items() if at}


def evolve(coupon: Coupon, event: CouponEvent) -> Coupon:
    """Return the coupon after `event`; never refuses, for it has happened."""
    match event:
        case CouponIssued():
            return Coupon(event.customer_id, event.offer, event.active_from, event.expires_at)
        case CouponLocked():
            return replace(coupon, lock=Lock(event.session_id, event.until))
        case CouponUnlocked():
            return replace(coupon, lock=None)
        case CouponRedeemed():
            return replace(coupon, lock=None, basket_id=event.basket_id)
        case CouponRolledBack():
            return replace(coupon, basket_id=None, undone_id=event.basket_id)
        case CouponExpired():
            return replace(coupon, lock=None, ended=EXPIRED)
        case CouponVoided():
            return replace(coupon, lock=None, ended=VOIDED)
