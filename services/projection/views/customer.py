"""One customer as all branches together know them; ids only, for names are membership's to show."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.projection.views.freshness import freshness
from shared.errors import Missing
from shared.postgres import Tx

_MERGED_INTO = "SELECT merged_into FROM customer WHERE customer_id = $1"
_IDS = """
WITH RECURSIVE hers AS (
  SELECT $1::uuid AS id UNION SELECT customer_id FROM hers JOIN customer ON merged_into = id
)
SELECT id FROM hers
"""
# what stands is the last one's own, who may have no news yet; what came and went is that of all her ids
_CUSTOMER = """
SELECT min(registered_at) AS registered_at, min(member_since) AS member_since,
  max(tier) FILTER (WHERE customer_id = $1) AS tier,
  coalesce(max(balance) FILTER (WHERE customer_id = $1), 0) AS balance,
  coalesce(max(pending) FILTER (WHERE customer_id = $1), 0) AS pending,
  coalesce(max(debt) FILTER (WHERE customer_id = $1), 0) AS debt,
  sum(earned)::bigint AS earned, sum(taken_back)::bigint AS taken_back, sum(redeemed)::bigint AS redeemed,
  sum(expired)::bigint AS expired
FROM customer WHERE customer_id = ANY($2::uuid[]) HAVING count(*) > 0
"""
_BRANCHES = """
SELECT c.branch AS code, b.title, sum(receipts)::bigint AS receipts,
  sum(gross_minor)::bigint AS gross_minor, sum(refunded_minor)::bigint AS refunded_minor,
  count(DISTINCT day) FILTER (WHERE receipts + check_ins > 0) AS visits,
  min(day) FILTER (WHERE receipts + check_ins > 0) AS first_on,
  max(day) FILTER (WHERE receipts + check_ins > 0) AS last_on,
  min(first_at) AS first_at, max(last_at) AS last_at
FROM customer_day c LEFT JOIN branch b USING (branch)
WHERE customer_id = ANY($1::uuid[]) GROUP BY c.branch, b.title ORDER BY c.branch
"""
_MESSAGES = """
SELECT message_id, template, outcome, channel, code, at FROM message
WHERE customer_id = ANY($1::uuid[]) ORDER BY at DESC, message_id LIMIT 50
"""
_CURRENCY = "SELECT currency FROM chain"


class Held(BaseModel):
    """Points a customer holds or owes, as of the last entry of her account, and all that came and went."""

    balance: int
    pending: int
    debt: int
    earned: int
    taken_back: int
    redeemed: int
    expired: int


class CustomerBranch(BaseModel):
    """What a branch saw of a customer. A visit is a day with a receipt or check-in; spend is own lines less refunds."""

    code: str
    title: str | None
    visits: int
    receipts: int
    spend_minor: int
    first_on: date | None
    last_on: date | None


class Told(BaseModel):
    """A message to the customer, and what became of it: sent, failed or unknown."""

    message_id: UUID
    template: str
    outcome: str
    channel: str | None
    code: str | None
    at: datetime


class CustomerView(BaseModel):
    """The answer of `GET /v1/customers/{id}`. Visits and spend are of the branches in `scope`: one, or `*` for all."""

    customer_id: UUID
    scope: str
    registered_at: datetime | None
    member: bool
    member_since: datetime | None
    tier: str | None
    points: Held
    currency: str | None
    visits: int
    receipts: int
    spend_minor: int
    first_visit_at: datetime | None
    last_visit_at: datetime | None
    branches: tuple[CustomerBranch, ...]
    messages: tuple[Told, ...]
    as_of: datetime | None
    read_at: datetime


@dataclass(frozen=True)
class _Visits:
    """A customer's rows by branch, summed up for the view."""

    rows: list[Any]

    @property
    def branches(self) -> tuple[CustomerBranch, ...]:
        return tuple(
            CustomerBranch(**dict(row), spend_minor=row["gross_minor"] - row["refunded_minor"]) for row in self.rows
        )

    def total(self, name: str) -> int:
        return sum(row[name] for row in self.rows)

    @property
    def first_at(self) -> datetime | None:
        return min((row["first_at"] for row in self.rows if row["first_at"]), default=None)

    @property
    def last_at(self) -> datetime | None:
        return max((row["last_at"] for row in self.rows if row["last_at"]), default=None)


async def customer_view(tx: Tx, customer_id: UUID, scope: str) -> CustomerView:
    """Return the view, of one who was given up the other's; raise Missing for somebody that no service has told of."""
    seen = {customer_id}  # of two merges the other way round the split between them may have to be heard yet
    while (into := await tx.fetchval(_MERGED_INTO, customer_id)) and into not in seen:
        customer_id = into
        seen.add(into)
    ids = [row["id"] for row in await tx.fetch(_IDS, customer_id)]
    known = await tx.fetchrow(_CUSTOMER, customer_id, ids)
    visits = _Visits(await tx.fetch(_BRANCHES, ids))
    if known is None and not visits.rows:
        raise Missing("customer-unknown", customer_id=str(customer_id))
    now = await freshness(tx)
    return CustomerView(
        customer_id=customer_id,
        scope=scope,
        registered_at=known["registered_at"] if known else None,
        member=bool(known and known["member_since"]),
        member_since=known["member_since"] if known else None,
        tier=known["tier"] if known else None,
        points=Held(**{name: known[name] if known else 0 for name in Held.model_fields}),
        currency=await tx.fetchval(_CURRENCY),
        visits=visits.total("visits"),
        receipts=visits.total("receipts"),
        spend_minor=visits.total("gross_minor") - visits.total("refunded_minor"),
        first_visit_at=visits.first_at,
        last_visit_at=visits.last_at,
        branches=visits.branches,
        messages=tuple(Told(**row) for row in await tx.fetch(_MESSAGES, ids)),
        as_of=now.as_of,
        read_at=now.read_at,
    )
