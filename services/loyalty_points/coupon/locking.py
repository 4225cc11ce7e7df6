"""A checkout keeps a coupon for itself, until it lets go or its time is over. Pure."""

from uuid import UUID

from services.loyalty_points.coupon.life import (
    ACTIVE,
    LOCKED,
    Coupon,
    CouponEvent,
    CouponLocked,
    CouponUnlocked,
    Unlocking,
)
from shared.errors import Rejected
from shared.message import Command, Instant


class OfCoupon(Command):
    """`customer_id` is whose it must be."""

    customer_id: UUID
    coupon_id: UUID
    is_hers: bool = False  # brought by guards.gather: it was issued to one who was given up for her


class LockCoupon(OfCoupon):
    """Keep it for one checkout until an instant; the same session may ask again for longer."""

    session_id: UUID
    until: Instant


class UnlockCoupon(OfCoupon):
    """A checkout lets it go."""

    session_id: UUID


class LapseLock(OfCoupon):
    """A lock's time is over."""


def lapsed(command: OfCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Return the end of a lock whose time is over; every command tells it before anything else."""
    lock = coupon.lock
    if lock is None or lock.until > command.at:
        return []
    return [
        CouponUnlocked(
            at=lock.until,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            session_id=lock.session_id,
            until=lock.until,
            why=Unlocking.LAPSED,
        )
    ]


def lock(command: LockCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Keep it; the same again says nothing."""
    usable(command, coupon, command.session_id)
    if command.until <= command.at:
        raise Rejected("lock-over", until=command.until.isoformat())
    if coupon.lock and coupon.lock.until == command.until:
        return []
    return [
        CouponLocked(
            at=command.at,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            session_id=command.session_id,
            until=command.until,
        )
    ]


def unlock(command: UnlockCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Let it go."""
    if coupon.lock is None or coupon.lock.session_id != command.session_id:
        raise Rejected("lock-unknown", session_id=command.session_id)
    return [
        CouponUnlocked(
            at=command.at,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            session_id=command.session_id,
            until=coupon.lock.until,
            why=Unlocking.RELEASED,
        )
    ]


def usable(command: OfCoupon, coupon: Coupon, session_id: UUID) -> None:
    """Raise Rejected unless the coupon is active, or locked for this session."""
    status = coupon.status(command.at)
    if status == LOCKED and coupon.lock and coupon.lock.session_id == session_id:
        return
    if status != ACTIVE:
        raise Rejected(f"coupon-{status}", **coupon.facts())
