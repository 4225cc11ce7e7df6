"""A customer's account, with the entries that make it, as it stands or stood, and why. Points are whole.

`as_of` is by when things happened, `known_at` by when they were recorded; both are now where they are left out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypeAlias
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.loyalty_points.domain.hindsight import Figure, Known, happened_at, known_by
from services.loyalty_points.entry import entry
from services.loyalty_points.explaining import explained
from services.loyalty_points.routes.doing import ONE, PEOPLE
from services.loyalty_points.standing import standing, stood
from shared.errors import Missing
from shared.http import Here, Route
from shared.message import Instant
from shared.running import Running

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

When: TypeAlias = Annotated[Instant | None, Query(), Field(ge=EARLIEST, le=LATEST)]

_NOW = "SELECT clock_timestamp()"


class Told(NamedTuple):
    """All that is recorded of an account, its state after it, and when that was read."""

    account: Any
    events: Sequence[Known]
    now: datetime


async def read(at: Running, customer_id: UUID) -> Told:
    """Return an account; raise Missing where there is none."""
    async with at.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        version, account = await at.handler.state(tx, "account", customer_id)
        told = await at.handler.history(tx, "account", customer_id)
        now: datetime = await tx.fetchval(_NOW)
    if version == 0:
        raise Missing("account-unknown", customer_id=str(customer_id))
    # the ledger's own aggregate reads no other events
    return Told(account, [Known(e.event, e.id, e.recorded_at) for e in told], now)  # type: ignore[arg-type]


async def account(customer_id: UUID, at: Here, as_of: When = None, known_at: When = None) -> dict[str, Any]:
    """Return the account; an entry's `at` is when it happened, their order is that of the books.

    With `as_of`, what stood then by when things happened, as far as that is known now: an earning of Monday that was
    booked on Wednesday is in the balance of Tuesday. Of a time to come: what has expired and lapsed by then if nothing
    else happens. With `known_at`, only what had been recorded by then: as of the same instant, the answer of that time.
    """
    told = await read(at, customer_id)
    if as_of is None and known_at is None:
        return {"customer_id": customer_id, **standing(told.account, told.now), "entries": _entries(told.events)}
    seen = _seen(told, as_of, known_at)
    known = known_by(told.events, seen["known_at"])
    happened = [one for one in known if happened_at(one.event) <= seen["as_of"]]
    return {"customer_id": customer_id, **seen, **stood(known, seen["as_of"]), "entries": _entries(happened)}


async def explain(
    customer_id: UUID, at: Here, figure: Figure, as_of: When = None, known_at: When = None
) -> dict[str, Any]:
    """Return the events, lots and policy versions that make a figure of the account; the parts add up to it.

    A lot of which nothing is left has no part. An event without an id is a hold that lapses, or has and must be told.
    """
    told = await read(at, customer_id)
    seen = _seen(told, as_of, known_at)
    return {
        "customer_id": customer_id,
        **seen,
        **explained(known_by(told.events, seen["known_at"]), figure, seen["as_of"]),
    }


def _seen(told: Told, as_of: datetime | None, known_at: datetime | None) -> dict[str, datetime]:
    """Return from when to look, and with whose knowledge: nobody knows more than is known now."""
    return {"as_of": as_of or told.now, "known_at": min(known_at or told.now, told.now)}


def _entries(told: Sequence[Known]) -> list[dict[str, Any]]:
    return [shown for known in told if (shown := entry(known.event))]


ROUTES = (
    Route("GET", ONE, account, PEOPLE),
    Route("GET", ONE + "/explain", explain, PEOPLE),
)
