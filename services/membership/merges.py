"""Customers are merged and split by headquarters: both streams and both tiers in one transaction, or nothing."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.membership.customer import Customer
from services.membership.domain import ReviewTier
from services.membership.merging import LetGoCustomer, MergeCustomer, Reason, SplitCustomer, TakeInCustomer
from shared.errors import Missing
from shared.http import Here, Once, Route, Why
from shared.idempotency import Idempotency, KeyReused, claim, keep, replay
from shared.message import Cause, Command, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running

HEADQUARTERS = frozenset({"headquarters"})

_NOW = "SELECT clock_timestamp()"


class Merging(BaseModel):
    """For whom a customer is given up, and a code for why."""

    model_config = ConfigDict(extra="forbid")

    into: UUID
    reason: Reason


class Splitting(BaseModel):
    """A code for why they are two after all."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


async def merge(customer_id: UUID, body: Merging, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Give a customer up for another; told again it changes nothing. What is told of her later is the other's."""

    async def act(tx: Tx) -> None:
        for who in (customer_id, body.into):
            await known(at, tx, who)
        now = await tx.fetchval(_NOW)
        merging: list[Command] = [
            MergeCustomer(at=now, customer_id=customer_id, into=body.into, reason=body.reason),
            TakeInCustomer(at=now, customer_id=body.into, given_up=customer_id),
        ]
        await _once(at, tx, merging, cause, once)

    await in_transaction(at, act)
    return {"customer_id": customer_id, "into": body.into}


async def split(customer_id: UUID, body: Splitting, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Undo the merge by which a customer was given up: both are as if they had never been one."""

    async def act(tx: Tx) -> UUID | None:
        customer = await known(at, tx, customer_id)
        now, into = await tx.fetchval(_NOW), customer.moved_to
        its: dict[str, Any] = {"merge_id": customer.merge_id, "reason": body.reason}
        splitting: list[Command] = [SplitCustomer(at=now, customer_id=customer_id, **its)]
        if into and customer.merge_id:
            splitting.append(LetGoCustomer(at=now, customer_id=into, merge_id=customer.merge_id))
        await _once(at, tx, splitting, cause, once)
        return into

    return {"customer_id": customer_id, "merged_into": await in_transaction(at, act)}


async def known(at: Running, tx: Tx, customer_id: UUID) -> Customer:
    """Return a customer's own state, also of one who was given up; raise Missing for nobody's id."""
    version, customer = await at.handler.state(tx, "customer", customer_id)
    if version == 0:
        raise Missing("customer-unknown", customer_id=str(customer_id))
    assert isinstance(customer, Customer)
    return customer


async def survivor(at: Running, tx: Tx, customer_id: UUID) -> tuple[UUID, Customer]:
    """Return who a customer is now: of one who was given up, the other; raise Missing for nobody's id."""
    customer = await known(at, tx, customer_id)
    while customer.moved_to:
        customer_id = customer.moved_to
        customer = await known(at, tx, customer_id)
    return customer_id, customer


async def _once(at: Running, tx: Tx, commands: list[Command], cause: Cause, once: Idempotency | None) -> None:
    """Do them all, once for a key, and look at the tiers; raise the first refusal, through the transaction."""
    if once and not await claim(tx, [once]):
        before = (await replay(tx, [once]))[once]
        if isinstance(before, KeyReused):
            raise before
        return
    outcomes = await at.handler.handle(tx, [Issued(command, cause) for command in commands])
    for outcome in outcomes:
        if outcome.refusal:
            raise outcome.refusal
    now = await tx.fetchval(_NOW)
    reviews = [ReviewTier(at=now, customer_id=who) for who in sorted({outcome.stream_id for outcome in outcomes})]
    await at.handler.handle(tx, [Issued(review, cause) for review in reviews])
    if once:
        await keep(tx, {once.id: outcomes[0]})


_ONE = "/v1/customers/{customer_id}"

ROUTES = (
    Route("POST", _ONE + "/merge", merge, HEADQUARTERS),
    Route("POST", _ONE + "/split", split, HEADQUARTERS),
)
