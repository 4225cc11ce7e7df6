"""The worker that lets points and coupons expire, and says beforehand of points that they will.

Pauses in seconds, now is Postgres's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.loyalty_points.coupon import expiring as coupon
from services.loyalty_points.domain import ExpirePoints, NoticeExpiry
from services.loyalty_points.guards import expiries
from shared.faults import is_passing
from shared.message import Cause, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running, pause

AT_ONCE = 200  # accounts
LOTS_AT_ONCE = 5000
LOOKS_EVERY = 2.0
CAUSE = Cause("expiry", "expiry", actor="expiry")

_DUE = """
SELECT EXISTS (SELECT FROM lot WHERE rest > 0 AND expires_at <= clock_timestamp()) AS over,
       EXISTS (SELECT FROM expiry WHERE notice_at <= clock_timestamp()) AS noticed
"""
_OVER = """
SELECT DISTINCT owner FROM (
  SELECT owner FROM lot WHERE rest > 0 AND expires_at <= clock_timestamp()
  ORDER BY expires_at, owner LIMIT $2
) AS soonest LIMIT $1
"""
_TO_NOTICE = """
SELECT customer_id, expires_at, notices FROM expiry WHERE notice_at <= clock_timestamp()
ORDER BY notice_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_NOW = "SELECT clock_timestamp()"
# an account that somebody is writing is left for the next look
_FREE = "SELECT id FROM stream WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"


async def expire(running: Running) -> None:
    """Keep lots, notices and coupons to their time until the service stops; any number of processes may do so."""
    while not running.stop.is_set():
        is_behind = False
        try:
            is_behind = await look(running) | await coupon.look(running)
        except Exception as error:
            if not is_passing(error):
                raise
            structlog.get_logger().warning("expiry waits", error=f"{type(error).__name__}: {error}")
        if not is_behind:
            await pause(running, LOOKS_EVERY)


async def look(running: Running, at_once: int = AT_ONCE) -> bool:
    """Expire lots of some accounts, then notice some; return whether there may be more of either."""
    due = await running.pool.fetchrow(_DUE)
    assert due is not None
    expired = due["over"] and await in_transaction(running, lambda tx: _expire(running, tx, at_once))
    noticed = due["noticed"] and await in_transaction(running, lambda tx: _notice(running, tx, at_once))
    return bool(expired or noticed)


async def _expire(running: Running, tx: Tx, at_once: int) -> bool:
    over = [row["owner"] for row in await tx.fetch(_OVER, at_once, LOTS_AT_ONCE)]
    free = await _free(tx, over)
    at: datetime = await tx.fetchval(_NOW)
    await running.handler.handle(tx, [Issued(ExpirePoints(at=at, customer_id=who), CAUSE) for who in sorted(free)])
    return bool(free)


async def _notice(running: Running, tx: Tx, at_once: int) -> bool:
    """Say the latest notice that is due of each; the ones before it were missed, and are not made up for."""
    rows = await tx.fetch(_TO_NOTICE, at_once)
    free = await _free(tx, [row["customer_id"] for row in rows])
    mine = [row for row in rows if row["customer_id"] in free]
    now: datetime = await tx.fetchval(_NOW)
    left = [(row, [d for d in row["notices"] if row["expires_at"] - timedelta(days=d) > now]) for row in mine]
    notices = [
        NoticeExpiry(at=now, customer_id=row["customer_id"], expires_at=row["expires_at"], days=days)
        for row, later in left
        if (days := row["notices"][len(row["notices"]) - len(later) - 1])
    ]
    await running.handler.handle(tx, [Issued(notice, CAUSE) for notice in notices])
    await expiries.move(tx, [(row["customer_id"], row["expires_at"], later) for row, later in left])
    return bool(mine)


async def _free(tx: Tx, customers: Iterable[UUID]) -> set[UUID]:
    asked = sorted(set(customers))
    return {row["id"] for row in await tx.fetch(_FREE, asked)} if asked else set()
