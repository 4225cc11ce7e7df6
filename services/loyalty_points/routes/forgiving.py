"""A debt is let go, by one person or by two. Points are whole."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty_points.domain import AccountCommand, ApproveForgiveness, DeclineForgiveness, ForgiveDebt
from services.loyalty_points.domain.forgiving import LAPSED, Reason
from services.loyalty_points.routes.doing import ONE, PEOPLE, Points, perform
from services.loyalty_points.whose import whose
from shared.http import Here, Once, Route, Who, Why
from shared.running import Running

WAITS = "second-person-needed"

_HOW = """
SELECT forgiveness_id, points, reason, how, forgiven, until, until <= clock_timestamp() AS is_over
FROM forgiving WHERE owner = $1 AND ($2::uuid IS NULL OR forgiveness_id = $2) ORDER BY told_at
"""


class Forgiveness(Points):
    """What is let go of a debt, and a code for why."""

    forgiveness_id: UUID
    reason: Reason


async def forgive(
    customer_id: UUID, body: Forgiveness, at: Here, caller: Who, cause: Why, once: Once
) -> dict[str, Any]:
    """Let a debt go; above the limit of the terms it is answered `second-person-needed`, and waits for one."""

    def command(now: datetime) -> AccountCommand:
        return ForgiveDebt(
            at=now,
            customer_id=customer_id,
            forgiveness_id=body.forgiveness_id,
            points=body.points,
            reason=body.reason,
            person=caller.subject,
        )

    done = await perform(at, customer_id, body, command, cause, once)
    return done | (await _told(at, customer_id, body.forgiveness_id))[0]


async def approve(
    customer_id: UUID, forgiveness_id: UUID, at: Here, caller: Who, cause: Why, once: Once
) -> dict[str, Any]:
    """Let it go as the second person; at most what is owed now."""

    def command(now: datetime) -> AccountCommand:
        person = caller.subject
        return ApproveForgiveness(at=now, customer_id=customer_id, forgiveness_id=forgiveness_id, person=person)

    done = await perform(at, customer_id, None, command, cause, once)
    return done | (await _told(at, customer_id, forgiveness_id))[0]


async def decline(
    customer_id: UUID, forgiveness_id: UUID, at: Here, caller: Who, cause: Why, once: Once
) -> dict[str, Any]:
    """Do not let it go."""

    def command(now: datetime) -> AccountCommand:
        person = caller.subject
        return DeclineForgiveness(at=now, customer_id=customer_id, forgiveness_id=forgiveness_id, person=person)

    done = await perform(at, customer_id, None, command, cause, once)
    return done | (await _told(at, customer_id, forgiveness_id))[0]


async def forgivings(customer_id: UUID, at: Here) -> dict[str, Any]:
    """Return what was let go or asked for, in order."""
    return {"forgivings": await _told(at, customer_id, None)}


async def _told(at: Running, customer_id: UUID, forgiveness_id: UUID | None) -> list[dict[str, Any]]:
    async with at.pool.acquire() as tx:
        rows = await tx.fetch(_HOW, await whose(tx, at.handler, customer_id), forgiveness_id)
    return [
        {
            "forgiveness_id": row["forgiveness_id"],
            "state": row["how"] or (LAPSED if row["is_over"] else WAITS),
            "points": row["points"],
            "forgiven": row["forgiven"],
            "reason": row["reason"],
            "until": row["until"],
        }
        for row in rows
    ]


_OF_ONE = ONE + "/debt/forgivings/{forgiveness_id}"

ROUTES = (
    Route("POST", ONE + "/debt/forgive", forgive, PEOPLE),
    Route("GET", ONE + "/debt/forgivings", forgivings, PEOPLE),
    Route("POST", _OF_ONE + "/approve", approve, PEOPLE),
    Route("POST", _OF_ONE + "/decline", decline, PEOPLE),
)
