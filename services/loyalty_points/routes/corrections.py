"""Terms for a time that is past: published with a reason and who signs, then receipts are counted again by them."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import RecountReceipts
from services.loyalty_points.domain.forgiving import Reason
from services.loyalty_points.guards import members
from services.loyalty_points.routes.doing import Body
from services.loyalty_points.routes.rehearsals import NOBODY, draft_of
from shared import policy
from shared.errors import Missing, Rejected
from shared.http import Here, Once, Route, Why
from shared.message import Instant, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy, Signature
from shared.tokens import OPERATORS

AT_ONCE = 500  # receipts, and the rest of the last customer's


class Correction(Body):
    """The whole of the terms, from when on they should have held, a code for why, and the id of who signs."""

    terms: dict[str, Any] = Field(default_factory=dict)
    holds_from: Annotated[Instant, Field(alias="from")]
    reason: Reason
    signed_by: UUID


class Run(Body):
    """Go on after the customer that the last answer names."""

    after: UUID = NOBODY


async def correct(body: Correction, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Publish the terms; the same as the last ones change nothing. Then the run corrects what was earned."""
    command = PublishPolicy(
        at=datetime.now(UTC),
        terms=draft_of(body.terms).model_dump(mode="json"),
        holds_from=body.holds_from,
        signature=Signature(reason=body.reason, by=body.signed_by),
    )
    outcome = await perform_one(at, command, cause, idempotency=once)
    return {"version": outcome.version, "changed": bool(outcome.events)}


async def run(version: int, body: Run, at: Here, cause: Why) -> dict[str, Any]:
    """Count some customers' receipts again; `next` is null when there are no more. Repeated, it changes nothing."""
    async with at.pool.acquire() as tx:
        _, published = await at.handler.state(tx, "policy", policy.STREAM)
        found = await members.customers(tx, body.after, AT_ONCE)
    if not 1 <= version <= len(published.versions):
        raise Missing("version-unknown", version=version)
    if published.versions[version - 1].signature is None:
        raise Rejected("correction-unsigned", version=version)
    now = datetime.now(UTC)
    orders = [Issued(RecountReceipts(at=now, customer_id=who, version=version), cause) for who in found]
    outcomes = await perform(at, orders)
    told = [envelope.event for outcome in outcomes for envelope in outcome.events]
    points = sum(e.points for e in told if isinstance(e, PointsEarned))
    points -= sum(e.points for e in told if isinstance(e, PointsTakenBack))
    corrected = sum(any(isinstance(e.event, PointsEarned | PointsTakenBack) for e in o.events) for o in outcomes)
    return {"points": points, "customers": corrected, "next": found[-1] if found else None}


ROUTES = (
    Route("POST", "/v1/corrections", correct, OPERATORS),
    Route("POST", "/v1/corrections/{version}/run", run, OPERATORS),
)
