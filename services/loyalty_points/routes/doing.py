"""How an endpoint does something with a customer's account: one that is there, in whole points, once for a key."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import LARGEST
from services.loyalty_points.domain import AccountCommand
from shared.errors import Missing
from shared.handling import Outcome
from shared.http import Problem
from shared.idempotency import Idempotency
from shared.message import Cause
from shared.performing import perform_one
from shared.running import Running

PEOPLE = frozenset({"staff", "headquarters"})
ONE = "/v1/accounts/{customer_id}"


class Body(BaseModel):
    """What a request says; what it should not say is refused."""

    model_config = ConfigDict(extra="forbid")


class Points(Body):
    """A request about points."""

    points: Annotated[int, Field(strict=True)]


async def perform(
    at: Running,
    customer_id: UUID,
    body: Points | None,
    command: Callable[[datetime], AccountCommand],
    cause: Cause,
    once: Idempotency | None,
) -> dict[str, Any]:
    """Answer with the account's version after it; nobody's account is nobody's to spend from."""
    if body and not 1 <= body.points <= LARGEST:
        raise Problem(422, "points-invalid", least=1, most=LARGEST)
    await known(at, customer_id)
    outcome: Outcome = await perform_one(at, command(datetime.now(UTC)), cause, idempotency=once)
    return {"version": outcome.version}


async def known(at: Running, customer_id: UUID) -> None:
    """Raise Missing for a customer of whom nothing has been heard."""
    async with at.pool.acquire() as tx:
        version, _ = await at.handler.state(tx, "account", customer_id)
    if version == 0:
        raise Missing("account-unknown", customer_id=str(customer_id))
