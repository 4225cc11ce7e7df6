"""A service to try the kernel with: counters, never below zero. It borrows a real name's port."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.decider import Aggregate, Domain
from shared.errors import Missing, Rejected
from shared.http import Here, Once, Route, Who, Why, reading
from shared.message import Command, Envelope, Event
from shared.performing import perform_one
from shared.postgres import Tx
from shared.service import Service, ViewSet

NAME = "feedback"
SHAPE = 1


class Add(Command):
    """Add to a counter."""

    counter_id: UUID
    amount: int


class Take(Command):
    """Take from a counter what is there."""

    counter_id: UUID
    amount: int


class Break(Command):
    """Meet a bug in the rules."""

    counter_id: UUID


class Added(Event):
    """It was added; others may hear it."""

    counter_id: UUID
    amount: int

    @classmethod
    def is_public(cls) -> bool:
        """Stand for an event of `contracts`."""
        return True


class Taken(Event):
    """It was taken; nobody else hears it."""

    counter_id: UUID
    amount: int


@dataclass(frozen=True)
class Counter:
    """What is there."""

    total: int = 0


initial = Counter()


def decide(command: Add | Take | Break, counter: Counter) -> Sequence[Event]:
    """Add, or take what is there."""
    match command:
        case Add():
            return [Added(at=command.at, counter_id=command.counter_id, amount=command.amount)]
        case Take(amount=amount) if amount > counter.total:
            raise Rejected("not-enough", total=counter.total)
        case Take():
            return [Taken(at=command.at, counter_id=command.counter_id, amount=command.amount)]
        case Break():
            raise RuntimeError("a bug")


def evolve(counter: Counter, event: Added | Taken) -> Counter:
    """Count."""
    match event:
        case Added(amount=amount):
            return replace(counter, total=counter.total + amount)
        case Taken(amount=amount):
            return replace(counter, total=counter.total - amount)


COUNTER = Aggregate(
    "counter", cast(Domain, sys.modules[__name__]), Counter, (Add, Take, Break), (Added, Taken), key="counter_id"
)

PROJECT = """
INSERT INTO counters (id, total, branch)
SELECT id, amount, 'B' || amount % 2 FROM unnest($1::uuid[], $2::int[]) AS c (id, amount)
ON CONFLICT (id) DO UPDATE SET total = counters.total + excluded.total
"""


async def project(tx: Tx, events: Sequence[Envelope]) -> None:
    """Keep every counter's total."""
    amounts = [e.event.amount if isinstance(e.event, Added) else -cast(Taken, e.event).amount for e in events]
    for event, amount in zip(events, amounts, strict=True):
        await tx.execute(PROJECT, [event.stream_id], [amount])


class Addition(BaseModel):
    """The body of a request that adds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Annotated[int, Field(gt=0, lt=2**53)]


class Note(BaseModel):
    """A text that goes to Postgres as it is."""

    text: str


async def add(counter_id: UUID, body: Addition, at: Here, cause: Why, idempotency: Once) -> dict[str, Any]:
    """Add to a counter."""
    command = Add(at=datetime.now(UTC), counter_id=counter_id, amount=body.amount)
    outcome = await perform_one(at, command, cause, idempotency=idempotency)
    return {"version": outcome.version}


async def take(counter_id: UUID, body: Addition, at: Here, cause: Why) -> dict[str, Any]:
    """Take from a counter."""
    command = Take(at=datetime.now(UTC), counter_id=counter_id, amount=body.amount)
    return {"version": (await perform_one(at, command, cause)).version}


async def show(counter_id: UUID, at: Here) -> dict[str, Any]:
    """Return one counter from its stream."""
    async with at.pool.acquire() as tx:
        version, counter = await at.handler.state(tx, "counter", counter_id)
    if not version:
        raise Missing("counter-unknown", counter_id=counter_id)
    return {"total": counter.total}


async def note(body: Note, at: Here) -> dict[str, Any]:
    """Let Postgres see a text."""
    return {"length": await at.pool.fetchval("SELECT length($1::text)", body.text)}


async def listing(at: Here, caller: Who) -> list[dict[str, Any]]:
    """Return the counters that the caller may see."""
    async with reading(at, caller) as tx:
        rows = await tx.fetch("SELECT id::text, total, branch FROM counters ORDER BY id")
    return [dict(row) for row in rows]


async def bug() -> None:
    """Meet a bug."""
    raise RuntimeError("a bug")


STAFF = frozenset({"staff", "headquarters"})
ROUTES = (
    Route("POST", "/v1/counters/{counter_id}/additions", add, STAFF, cap=1000),
    Route("POST", "/v1/counters/{counter_id}/takings", take, STAFF),
    Route("GET", "/v1/counters/{counter_id}", show, STAFF),
    Route("GET", "/v1/counters", listing, STAFF),
    Route("POST", "/v1/notes", note, STAFF),
    Route("GET", "/v1/bug", bug, STAFF),
)
TOY = Service(NAME, says=(Added,), aggregates=(COUNTER,), routes=ROUTES)
TOTALS = Path(__file__).parent / "toy_views.sql"
WITH_VIEWS = replace(TOY, views=ViewSet(TOTALS, project))


def at(minutes: int) -> datetime:
    """Return an instant of the toy's day."""
    return datetime(2026, 11, 2, 12, tzinfo=UTC) + timedelta(minutes=minutes)
