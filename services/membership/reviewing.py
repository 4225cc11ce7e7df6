"""The worker that looks at every member's tier when another policy comes into force. Pauses are in seconds."""

from datetime import UTC, datetime
from uuid import UUID

import structlog

from services.membership.domain import ReviewTier
from services.membership.terms import Terms
from shared.faults import is_passing
from shared.message import Cause, Issued
from shared.performing import in_transaction
from shared.policy import policies
from shared.postgres import Tx
from shared.running import Running, pause

AT_ONCE = 200
LOOKS_EVERY = 2.0
FIRST = UUID(int=0)

_REVIEW = "SELECT policy_version, after_id FROM tier_review"
_REVIEW_LOCKED = _REVIEW + " FOR UPDATE"
_MEMBERS = """
SELECT id FROM stream WHERE category = 'customer' AND state ->> 'joined_order' IS NOT NULL AND id > $1
ORDER BY id LIMIT $2
"""
_ALL_HAVE_WEIGHED = "SELECT pg_advisory_xact_lock('tier_review'::regclass::oid::bigint)"
_MOVE = "UPDATE tier_review SET policy_version = $1, after_id = $2"


async def review(running: Running) -> None:
    """Keep the tiers to the policy in force until the service stops; any number of processes may do so."""
    while not running.stop.is_set():
        is_behind = False
        try:
            is_behind = await look(running)
        except Exception as error:
            if not is_passing(error):
                raise
            structlog.get_logger().warning("tiers wait", error=f"{type(error).__name__}: {error}")
        if not is_behind:
            await pause(running, LOOKS_EVERY)


async def look(running: Running, at_once: int = AT_ONCE) -> bool:
    """Look at some members that have not been looked at under the policy in force; return whether there are more."""
    async with running.pool.acquire() as tx:
        version = await _in_force(tx)
        row = await tx.fetchrow(_REVIEW)
    if row is None or (row["policy_version"] == version and row["after_id"] is None):
        return False
    if row["policy_version"] != version:  # who joins just now by the policy before must be seen as a member
        await running.pool.execute(_ALL_HAVE_WEIGHED)
    return await in_transaction(running, lambda tx: _look(running, tx, at_once))


async def _look(running: Running, tx: Tx, at_once: int) -> bool:
    row = await tx.fetchrow(_REVIEW_LOCKED)
    version = await _in_force(tx)
    assert row is not None
    after = row["after_id"] if row["policy_version"] == version else FIRST
    if after is None:
        return False
    ids = [member["id"] for member in await tx.fetch(_MEMBERS, after, at_once)]
    at, told = datetime.now(UTC), f"policy-{version}"
    cause = Cause(correlation=told, causation=told, actor="review")
    await running.handler.handle(tx, [Issued(ReviewTier(at=at, customer_id=i), cause) for i in ids])
    await tx.execute(_MOVE, version, ids[-1] if len(ids) == at_once else None)
    return len(ids) == at_once


async def _in_force(tx: Tx) -> int:
    return (await policies(tx, Terms)).at(await tx.fetchval("SELECT now()")).version
