"""`GET` and `PUT /v1/policy`: a service's terms, read by staff too, published by operators."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared import policy
from shared.http import Here, Once, Route, Why
from shared.message import Instant
from shared.performing import perform_one
from shared.policy import ALWAYS, PublishPolicy
from shared.problems import Problem
from shared.tokens import OPERATORS


class Publication(BaseModel):
    """The whole of the new terms: what is left out has its preset. `from` left out is now."""

    model_config = ConfigDict(extra="forbid")

    terms: dict[str, Any] = {}
    holds_from: Annotated[Instant | None, Field(alias="from")] = None


async def publish(body: Publication, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Publish terms; the same as the last ones change nothing."""
    assert at.service.policy
    try:
        terms = at.service.policy.model_validate(body.terms, strict=False)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_context=False, include_input=False)
        raise Problem(422, "terms-invalid", errors=errors) from invalid
    command = PublishPolicy(at=datetime.now(UTC), terms=terms.model_dump(mode="json"), holds_from=body.holds_from)
    outcome = await perform_one(at, command, cause, idempotency=once)
    return {"version": outcome.version, "changed": bool(outcome.events)}


async def show(at: Here) -> dict[str, Any]:
    """Return every version, in order, and the preset that held before any."""
    assert at.service.policy
    async with at.pool.acquire() as tx:
        _, published = await at.handler.state(tx, "policy", policy.STREAM)
    versions = [
        {"version": v.number, "from": None if v.holds_from == ALWAYS else v.holds_from, "terms": v.terms}
        for v in published.versions
    ]
    return {"preset": at.service.policy().model_dump(mode="json"), "versions": versions}


ROUTES = (
    Route("PUT", "/v1/policy", publish, OPERATORS),
    Route("GET", "/v1/policy", show, OPERATORS | {"staff"}),
)
