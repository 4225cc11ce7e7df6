"""A coupon's life. Pure; what it is at an instant follows from its events and the instant alone.

It is redeemed at most once at a time, and nothing comes back from expired or voided.
"""

from typing import TypeAlias

from contracts.loyalty_points import CouponExpired, CouponIssued, CouponRedeemed, CouponRolledBack, CouponVoided
from services.loyalty_points.coupon.ending import ExpireCoupon, VoidCoupon, expire, void
from services.loyalty_points.coupon.issuing import IssueCoupon, issue
from services.loyalty_points.coupon.life import Coupon, CouponEvent, CouponLocked, CouponUnlocked, evolve
from services.loyalty_points.coupon.locking import LapseLock, LockCoupon, UnlockCoupon, lapsed, lock, unlock
from services.loyalty_points.coupon.redeeming import RedeemCoupon, RollBackCoupon, redeem, roll_back
from shared.errors import Rejected

__all__ = [
    "COMMANDS",
    "EVENTS",
    "SHAPE",
    "Coupon",
    "CouponCommand",
    "ExpireCoupon",
    "IssueCoupon",
    "LapseLock",
    "LockCoupon",
    "RedeemCoupon",
    "RollBackCoupon",
    "UnlockCoupon",
    "VoidCoupon",
    "decide",
    "evolve",
    "initial",
]

SHAPE = 1
initial = Coupon()


Act: TypeAlias = LockCoupon | UnlockCoupon | LapseLock | RedeemCoupon | RollBackCoupon | VoidCoupon | ExpireCoupon
CouponCommand: TypeAlias = IssueCoupon | Act

COMMANDS = (
    IssueCoupon,
    LockCoupon,
    UnlockCoupon,
    LapseLock,
    RedeemCoupon,
    RollBackCoupon,
    VoidCoupon,
    ExpireCoupon,
)
EVENTS = (
    CouponIssued,
    CouponLocked,
    CouponUnlocked,
    CouponRedeemed,
    CouponRolledBack,
    CouponExpired,
    CouponVoided,
)


def decide(command: CouponCommand, coupon: Coupon) -> list[CouponEvent]:
    """Return the events `command` causes, after the end of a lock whose time is over; raise Rejected."""
    if isinstance(command, IssueCoupon):
        return issue(command, coupon)
    if coupon.customer_id is None:
        raise Rejected("coupon-unknown", coupon_id=command.coupon_id)
    if not _may(command, coupon):
        raise Rejected("coupon-of-another", coupon_id=command.coupon_id)
    before = lapsed(command, coupon)
    for event in before:
        coupon = evolve(coupon, event)
    return [*before, *_acted(command, coupon)]


def _may(command: Act, coupon: Coupon) -> bool:
    """Return whether it is hers; the basket that redeemed it gives it back to whoever's it is by then."""
    if isinstance(command, RollBackCoupon) and coupon.basket_id == command.basket_id:
        return True
    return coupon.customer_id == command.customer_id or command.is_hers


def _acted(command: Act, coupon: Coupon) -> list[CouponEvent]:
    match command:
        case LockCoupon():
            return lock(command, coupon)
        case UnlockCoupon():
            return unlock(command, coupon)
        case RedeemCoupon():
            return redeem(command, coupon)
        case RollBackCoupon():
            return roll_back(command, coupon)
        case VoidCoupon():
            return void(command, coupon)
        case ExpireCoupon():
            return expire(command, coupon)
        case LapseLock():
            return []  # as for every command, what has lapsed is over
