"""A customer's account, with the entries that make it, as it stands or stood, and why. Points are whole.

`as_of` is by when things happened, `known_at` by when they were recorded; both are now where they are left out.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any, NamedTuple, TypeAlias
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.loyalty_points.domain import Account
from services.loyalty_points.domain.hindsight import Figure
from services.loyalty_points.domain.known import Known, happened_at, known_by
from services.loyalty_points.entry import entry
from services.loyalty_points.explaining import explained
from services.loyalty_points.routes.doing import ONE, PEOPLE
from services.loyalty_points.standing import standing, stood
from services.loyalty_points.whose import whose
from shared.errors import Missing
from shared.http import Here, Route
from shared.message import Envelope, Instant
from shared.running import Running

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

When: TypeAlias = Annotated[Instant | None, Query(), Field(ge=EARLIEST, le=LATEST)]

NOW = "SELECT clock_timestamp()"
_FAMILY = """
WITH RECURSIVE family AS (
  SELECT $1::uuid AS id
  UNION SELECT CASE WHEN m.customer_id = f.id THEN m.into_id ELSE m.customer_id END
  FROM family f JOIN account_merge m ON f.id IN (m.customer_id, m.into_id)
)
SELECT id FROM family
"""


class Told(NamedTuple):
    """All that is recorded of an account, its state after it, whose it is, and when that was read.

    Where it was merged or split, what is recorded of the others is among it, in the order of the books.
    """

    customer_id: UUID
    account: Account
    events: Sequence[Known]
    now: datetime

    @property
    def own(self) -> Sequence[Known]:
        """Return what is recorded of the account itself."""
        return [known for known in self.events if known.of == self.customer_id]

    @property
    def whose(self) -> dict[str, Any]:
        """Return whose it is, and who was given up for her."""
        return _whose(self.customer_id, self.account)


async def read(at: Running, customer_id: UUID) -> Told:
    """Return an account, that of another one where she was given up for her; raise Missing where there is none."""
    async with at.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        customer_id = await whose(tx, at.handler, customer_id)
        version, account = await at.handler.state(tx, "account", customer_id)
        family = [row["id"] for row in await tx.fetch(_FAMILY, customer_id)]
        histories = await at.handler.histories(tx, "account", family)
        now: datetime = await tx.fetchval(NOW)
    if version == 0:
        raise Missing("account-unknown", customer_id=str(customer_id))
    events = known_of(chain.from_iterable(histories.values()))
    return Told(customer_id, account, sorted(events, key=lambda known: known.recorded_at or now), now)


def as_it_stands(customer_id: UUID, account: Account, own: Sequence[Known], now: datetime) -> dict[str, Any]:
    """Return an account with its own entries, in the order of the books."""
    return {**_whose(customer_id, account), **standing(account, now), "entries": _entries(own)}


def _whose(customer_id: UUID, account: Account) -> dict[str, Any]:
    merged = [
        {"customer_id": one.customer_id, "into": one.into, "merge_id": one.merge_id, "merged_at": one.merged_at}
        for one in account.others
    ]
    return {"customer_id": customer_id, "merged": merged}


def known_of(told: Iterable[Envelope]) -> list[Known]:
    """Return what is recorded of accounts."""
    # the ledger's own aggregate reads no other events
    return [Known(one.event, one.id, one.recorded_at, one.stream_id) for one in told]  # type: ignore[arg-type]


async def account(customer_id: UUID, at: Here, as_of: When = None, known_at: When = None) -> dict[str, Any]:
    """Return the account; an entry's `at` is when it happened, their order is that of the books.

    With `as_of`, what stood then by when things happened, as far as that is known now: an earning of Monday that was
    booked on Wednesday is in the balance of Tuesday. Of a time to come: what has expired and lapsed by then if nothing
    else happens. With `known_at`, only what had been recorded by then: as of the same instant, the answer of that time.
    """
    told = await read(at, customer_id)
    if as_of is None and known_at is None:
        return as_it_stands(told.customer_id, told.account, told.own, told.now)
    seen = _seen(told, as_of, known_at)
    known = known_by(told.events, seen["known_at"])
    happened = [one for one in known if one.of == told.customer_id and happened_at(one.event) <= seen["as_of"]]
    stands = stood(known, seen["as_of"], told.customer_id)
    return {**told.whose, **seen, **stands, "entries": _entries(happened)}


async def explain(
    customer_id: UUID, at: Here, figure: Figure, as_of: When = None, known_at: When = None
) -> dict[str, Any]:
    """Return the events, lots and policy versions that make a figure of the account; the parts add up to it.

    A lot of which nothing is left has no part. An event without an id is a hold that lapses, or has and must be told.
    """
    told = await read(at, customer_id)
    seen = _seen(told, as_of, known_at)
    return {
        **told.whose,
        **seen,
        **explained(known_by(told.events, seen["known_at"]), figure, seen["as_of"], told.customer_id),
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
