"""Coupons whose time is over expire, some at a time; whoever stops in between leaves the rest to the next look."""

from services.loyalty_points.coupon.domain import ExpireCoupon
from shared.message import Cause, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running

AT_ONCE = 500
CAUSE = Cause("coupon-expiry", "coupon-expiry", actor="expiry")

_DUE = "SELECT EXISTS (SELECT FROM coupon WHERE is_open AND expires_at <= clock_timestamp())"
# a coupon that somebody is writing is left for the next look
_OVER = """
SELECT c.coupon_id, c.customer_id, clock_timestamp() AS now FROM coupon c JOIN stream s ON s.id = c.coupon_id
WHERE c.is_open AND c.expires_at <= clock_timestamp()
ORDER BY c.expires_at, c.coupon_id LIMIT $1 FOR NO KEY UPDATE OF s SKIP LOCKED
"""


async def look(running: Running, at_once: int = AT_ONCE) -> bool:
    """Expire some coupons; return whether there may be more."""
    if not await running.pool.fetchval(_DUE):
        return False
    return await in_transaction(running, lambda tx: _expire(running, tx, at_once))


async def _expire(running: Running, tx: Tx, at_once: int) -> bool:
    rows = await tx.fetch(_OVER, at_once)
    over = [
        ExpireCoupon(at=row["now"], customer_id=row["customer_id"], coupon_id=row["coupon_id"])
        for row in sorted(rows, key=lambda row: row["coupon_id"])
    ]
    await running.handler.handle(tx, [Issued(command, CAUSE) for command in over])
    return bool(over)
