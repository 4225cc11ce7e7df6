"""Every coupon, by customer and by when it is over; how many an offer has out; and the timers that end locks."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid5

from contracts.loyalty_points import CouponExpired, CouponIssued, CouponRedeemed, CouponRolledBack, CouponVoided
from services.loyalty_points.coupon.domain import CouponCommand, LapseLock
from services.loyalty_points.coupon.issuing import IssueCoupon, available
from services.loyalty_points.coupon.life import EXPIRED, VOIDED, CouponLocked, CouponUnlocked
from services.loyalty_points.coupon.locking import OfCoupon
from services.loyalty_points.offer import guards as offers
from services.loyalty_points.offer.domain import offer_id
from shared.errors import Rejected
from shared.message import Command, Envelope
from shared.postgres import Tx
from shared.timers import cancel, schedule

_LOCKS = UUID("5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a04")

_TAKEN = """
SELECT offer_id, owner, sum(taken)::bigint AS taken FROM coupon_taken
WHERE (offer_id, owner) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) GROUP BY offer_id, owner
"""
_KNOWN = "SELECT coupon_id FROM coupon WHERE coupon_id = ANY ($1::uuid[])"
_ADD = """
INSERT INTO coupon (coupon_id, customer_id, owner, offer_id, offer_version, issued_at, active_from, expires_at)
VALUES ($1, $2, $2, $3, $4, $5, $6, $7)
"""
_COUNT = "UPDATE coupon_offer SET issued = issued + $2 WHERE offer_id = $1"
_COUNT_HERS = """
INSERT INTO coupon_taken (offer_id, customer_id, owner, taken) VALUES ($1, $2, $2, 1)
ON CONFLICT (offer_id, customer_id) DO UPDATE SET taken = coupon_taken.taken + 1
"""
_COUNT_HERS_LESS = """
UPDATE coupon_taken t SET taken = t.taken - 1 FROM coupon c
WHERE c.coupon_id = $1 AND t.offer_id = c.offer_id AND t.customer_id = c.customer_id
"""
# of those that were issued to somebody else: those of one who was given up for her
_HERS = """
SELECT coupon_id FROM coupon JOIN unnest($1::uuid[], $2::uuid[]) AS a (coupon_id, owner) USING (coupon_id, owner)
WHERE customer_id <> owner
"""
_MOVE = """
UPDATE coupon SET locked_by = $2, locked_until = $3, basket_id = $4, ended = $5 WHERE coupon_id = $1
"""


async def gather(tx: Tx, commands: Sequence[CouponCommand], /) -> Sequence[Command]:
    """Bring what is left of an offer to those that issue: to each what those before it in the batch leave."""
    commands = await _with_hers(tx, commands)
    issuing = [c for c in commands if isinstance(c, IssueCoupon)]
    if not issuing:
        return commands
    found = await offers.lock(tx, (c.offer_id for c in issuing))
    known = {row["coupon_id"] for row in await tx.fetch(_KNOWN, [c.coupon_id for c in issuing])}
    rows = await tx.fetch(_TAKEN, [c.offer_id for c in issuing], [c.customer_id for c in issuing])
    hers = Counter({(row["offer_id"], row["owner"]): row["taken"] for row in rows})
    all_of_it = Counter({which: one.issued for which, one in found.items()})
    informed: list[Command] = []
    for command in commands:
        if not isinstance(command, IssueCoupon) or command.offer_id not in found:
            informed.append(command)
            continue
        offer, whose = found[command.offer_id], (command.offer_id, command.customer_id)
        brought = {"offer": offer.code, "number": offer.number, "terms": offer.terms}
        brought |= {"taken": all_of_it[command.offer_id], "taken_by_her": hers[whose]}
        told = command.model_copy(update=brought)
        if command.coupon_id not in known and _is_left(told):
            all_of_it[command.offer_id] += 1
            hers[whose] += 1
        informed.append(told)
    return informed


async def _with_hers(tx: Tx, commands: Sequence[CouponCommand]) -> Sequence[CouponCommand]:
    """Say of coupons that are hers because she was given up for their customer, or that one for her."""
    told = [c for c in commands if isinstance(c, OfCoupon)]
    if not told:
        return commands
    rows = await tx.fetch(_HERS, [c.coupon_id for c in told], [c.customer_id for c in told])
    hers = {row["coupon_id"] for row in rows}
    return [
        c.model_copy(update={"is_hers": True}) if isinstance(c, OfCoupon) and c.coupon_id in hers else c
        for c in commands
    ]


def _is_left(command: IssueCoupon) -> bool:
    try:
        return bool(available(command))
    except Rejected:
        return False


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep the coupons and how many are out, and set or take back the timers of locks."""
    for event in (envelope.event for envelope in events):
        match event:
            case CouponIssued():
                await _issued(tx, event)
            case CouponLocked():
                await tx.execute(_MOVE, event.coupon_id, event.session_id, event.until, None, None)
                lapse = LapseLock(at=event.until, customer_id=event.customer_id, coupon_id=event.coupon_id)
                await schedule(tx, timer_id=_timer(event), due_at=event.until, stream_id=event.coupon_id, command=lapse)
            case CouponUnlocked():
                await tx.execute(_MOVE, event.coupon_id, None, None, None, None)
                await cancel(tx, _timer(event))
            case CouponRedeemed() | CouponRolledBack() | CouponExpired() | CouponVoided():
                await _moved(tx, event)


async def _moved(tx: Tx, event: CouponRedeemed | CouponRolledBack | CouponExpired | CouponVoided) -> None:
    basket_id = event.basket_id if isinstance(event, CouponRedeemed) else None
    ended = {CouponExpired: EXPIRED, CouponVoided: VOIDED}.get(type(event))
    await tx.execute(_MOVE, event.coupon_id, None, None, basket_id, ended)
    if isinstance(event, CouponVoided):
        await tx.execute(_COUNT, offer_id(event.offer), -1)
        await tx.execute(_COUNT_HERS_LESS, event.coupon_id)


async def _issued(tx: Tx, event: CouponIssued) -> None:
    which, number = offer_id(event.offer), event.offer_version
    times = event.at, event.active_from, event.expires_at
    await tx.execute(_ADD, event.coupon_id, event.customer_id, which, number, *times)
    await tx.execute(_COUNT, which, 1)
    await tx.execute(_COUNT_HERS, which, event.customer_id)


def _timer(event: CouponLocked | CouponUnlocked) -> UUID:
    """Return an id of this very lock: one that has fired is not set again."""
    return uuid5(_LOCKS, f"{event.coupon_id}/{event.session_id}/{event.until.isoformat()}")
