"""A customer's coupons at the desk: given, listed, kept for a checkout, let go, taken back. `seconds` are a lock's."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.loyalty_points.coupon.domain import CouponCommand, LockCoupon, UnlockCoupon, VoidCoupon
from services.loyalty_points.coupon.in_hand import CouponInHand
from services.loyalty_points.coupon.issuing import IssueCoupon
from services.loyalty_points.coupon.known import of_customer
from services.loyalty_points.domain.forgiving import Reason
from services.loyalty_points.offer.domain import OfferCode, offer_id
from services.loyalty_points.offer.shown import shown
from services.loyalty_points.routes.doing import ONE, PEOPLE, Body, known
from services.loyalty_points.whose import whose
from shared.http import Here, Once, Route, Who, Why, reading
from shared.idempotency import Idempotency
from shared.message import Cause
from shared.performing import perform_one
from shared.running import Running

LONGEST_LOCK = 24 * 3600
MOST_SHOWN = 500

_NOW = "SELECT clock_timestamp()"


class Issuing(Body):
    """Which offer's coupon, under an id of its own."""

    coupon_id: UUID
    offer: OfferCode


class Locking(Body):
    """Whose checkout keeps it, and for how long."""

    session_id: UUID
    seconds: Annotated[int, Field(ge=1, le=LONGEST_LOCK)]


class Unlocking(Body):
    """Whose checkout lets it go."""

    session_id: UUID


class Voiding(Body):
    """A code for why it is taken back."""

    reason: Reason


async def issue(customer_id: UUID, body: Issuing, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Give a customer a coupon; answers 409 `offer-exhausted` when there is none left."""

    def command(now: datetime) -> CouponCommand:
        which = offer_id(body.offer)
        return IssueCoupon(at=now, customer_id=customer_id, coupon_id=body.coupon_id, offer_id=which, source="desk")

    await known(at, customer_id)
    return await _perform(at, customer_id, command, cause, once)


async def lock(customer_id: UUID, coupon_id: UUID, body: Locking, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Keep a coupon for a checkout; the basket of that id redeems it."""

    def command(now: datetime) -> CouponCommand:
        until = now + timedelta(seconds=body.seconds)
        return LockCoupon(at=now, customer_id=customer_id, coupon_id=coupon_id, session_id=body.session_id, until=until)

    return await _perform(at, customer_id, command, cause, once)


async def unlock(
    customer_id: UUID, coupon_id: UUID, body: Unlocking, at: Here, cause: Why, once: Once
) -> dict[str, Any]:
    """Let a coupon go."""

    def command(now: datetime) -> CouponCommand:
        return UnlockCoupon(at=now, customer_id=customer_id, coupon_id=coupon_id, session_id=body.session_id)

    return await _perform(at, customer_id, command, cause, once)


async def void(customer_id: UUID, coupon_id: UUID, body: Voiding, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Take a coupon back for good."""

    def command(now: datetime) -> CouponCommand:
        return VoidCoupon(at=now, customer_id=customer_id, coupon_id=coupon_id, reason=body.reason)

    return await _perform(at, customer_id, command, cause, once)


async def coupons(customer_id: UUID, at: Here, caller: Who) -> dict[str, Any]:
    """Return a customer's coupons as they are now: those that can still be used first, soonest expiry first."""
    await known(at, customer_id)
    async with reading(at, caller) as tx:
        now = await tx.fetchval(_NOW)
        customer_id = await whose(tx, at.handler, customer_id)
        hers = await of_customer(tx, customer_id, MOST_SHOWN)
    return {"customer_id": customer_id, "coupons": [_shown(one, now) for one in hers]}


def _shown(one: CouponInHand, now: datetime) -> dict[str, Any]:
    return {
        "coupon_id": one.coupon_id,
        "offer": one.coupon.offer,
        "offer_version": one.offer_version,
        "status": one.coupon.status(now),
        "issued_at": one.issued_at,
        "active_from": one.coupon.active_from,
        "expires_at": one.coupon.expires_at,
        "basket_id": one.coupon.basket_id,
        "terms": shown(one.terms),
    }


async def _perform(
    at: Running,
    customer_id: UUID,
    command: Callable[[datetime], CouponCommand],
    cause: Cause,
    once: Idempotency | None,
) -> dict[str, Any]:
    """Do it for her whose account is that one's now."""
    async with at.pool.acquire() as tx:
        hers = {"customer_id": await whose(tx, at.handler, customer_id)}
    outcome = await perform_one(at, command(datetime.now(UTC)).model_copy(update=hers), cause, idempotency=once)
    return {"version": outcome.version}


_HER = ONE + "/coupons"

ROUTES = (
    Route("GET", _HER, coupons, PEOPLE),
    Route("POST", _HER, issue, PEOPLE),
    Route("POST", _HER + "/{coupon_id}/lock", lock, PEOPLE),
    Route("POST", _HER + "/{coupon_id}/unlock", unlock, PEOPLE),
    Route("POST", _HER + "/{coupon_id}/void", void, PEOPLE),
)
