"""A draft of the terms is rehearsed over the receipts of some customers at a time; nothing is written."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, ValidationError

from services.loyalty_points.guards import members
from services.loyalty_points.rehearsal import Rehearsal
from services.loyalty_points.routes.doing import Body
from services.loyalty_points.terms import Terms
from shared.http import Here, Problem, Route
from shared.message import Instant
from shared.policy import ALWAYS, policies
from shared.tokens import OPERATORS

AT_ONCE = 2_000  # receipts, and the rest of the last customer's
NOBODY = UUID(int=0)


class Draft(Body):
    """The whole of the draft's terms; `from` left out is always. `after` is the customer that the last answer names."""

    terms: dict[str, Any] = Field(default_factory=dict)
    holds_from: Annotated[Instant, Field(alias="from")] = ALWAYS
    after: UUID = NOBODY


def draft_of(terms: Mapping[str, Any]) -> Terms:
    """Return the terms; raise the Problem of those that make no sense."""
    try:
        return Terms.model_validate(terms, strict=False)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_context=False, include_input=False)
        raise Problem(422, "terms-invalid", errors=errors) from invalid


async def rehearse(body: Draft, at: Here) -> dict[str, Any]:
    """Return what the draft would have given the next customers; `next` is null when there are no more."""
    rehearsal = Rehearsal(draft_of(body.terms), body.holds_from, datetime.now(UTC))
    async with at.pool.acquire() as tx:
        found = await members.of_members(tx, body.after, AT_ONCE, await policies(tx, Terms))
    for member in found:
        rehearsal.add(*member)
        await asyncio.sleep(0)  # others wait for this process, too
    return {**_shown(rehearsal), "next": found[-1].customer_id if found else None}


def _shown(rehearsal: Rehearsal) -> Mapping[str, Any]:
    return {
        "places": [{**place._asdict(), **vars(tally)} for place, tally in sorted(rehearsal.places.items())],
        "customers": {name: rehearsal.customers[name] for name in ("gain", "lose", "same")},
        "most": [{"customer_id": who, "difference": points} for points, who in rehearsal.most],
    }


ROUTES = (Route("POST", "/v1/rehearsals", rehearse, OPERATORS),)
