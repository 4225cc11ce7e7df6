"""The customers of the chain, a page at a time: what each has, and has left with us; ids only, money in minor units."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.projection.views.customer import Held
from shared.postgres import Tx

# as the page of one: what stands is her own, what came and went is that of all who were given up for her
_PAGE = """
WITH RECURSIVE page AS (
  SELECT customer_id FROM customer WHERE merged_into IS NULL AND ($1::uuid IS NULL OR customer_id > $1)
  ORDER BY customer_id LIMIT $2
), hers (person, id) AS (
  SELECT customer_id, customer_id FROM page
  UNION ALL SELECT person, c.customer_id FROM hers JOIN customer c ON c.merged_into = hers.id
), held AS (
  SELECT person, min(member_since) AS member_since, max(tier) FILTER (WHERE id = person) AS tier,
    max(balance) FILTER (WHERE id = person) AS balance, max(pending) FILTER (WHERE id = person) AS pending,
    max(debt) FILTER (WHERE id = person) AS debt, sum(earned)::bigint AS earned,
    sum(taken_back)::bigint AS taken_back, sum(redeemed)::bigint AS redeemed, sum(expired)::bigint AS expired
  FROM hers JOIN customer ON customer_id = id GROUP BY person
), spent AS (
  SELECT person, sum(receipts)::bigint AS receipts, sum(gross_minor - refunded_minor)::bigint AS spend_minor,
    max(last_at) AS last_visit_at
  FROM hers JOIN customer_day ON customer_id = id GROUP BY person
)
SELECT person AS customer_id, member_since, tier, balance, pending, debt, earned, taken_back, redeemed, expired,
  coalesce(receipts, 0) AS receipts, coalesce(spend_minor, 0) AS spend_minor, last_visit_at
FROM held LEFT JOIN spent USING (person) ORDER BY person
"""


class Listed(BaseModel):
    """A customer in the list. Receipts and spend are of the branches that the reader sees."""

    customer_id: UUID
    member_since: datetime | None
    tier: str | None
    points: Held
    receipts: int
    spend_minor: int
    last_visit_at: datetime | None


class CustomerList(BaseModel):
    """The answer of `GET /v1/customers`, in the order of ids; `next` is the `after` of the page behind it."""

    customers: tuple[Listed, ...]
    next: UUID | None


async def customer_list(tx: Tx, after: UUID | None, limit: int) -> CustomerList:
    """Return the customers behind `after` of whom the vault has told; one given up for another is not among them."""
    rows = [dict(row) for row in await tx.fetch(_PAGE, after, limit)]
    listed = tuple(Listed(points=Held(**{name: row.pop(name) for name in Held.model_fields}), **row) for row in rows)
    return CustomerList(customers=listed, next=listed[-1].customer_id if len(listed) == limit else None)
