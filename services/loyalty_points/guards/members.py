"""Customers one after another with all their receipts, for what goes over all history. A page is some receipts long."""

from typing import NamedTuple
from uuid import UUID

from services.loyalty_points.guards.receipts import receipt_of
from services.loyalty_points.receipt import Receipt
from shared.policy import Policies
from shared.postgres import Tx
from shared.replacing import replace

_CUSTOMERS = """
SELECT DISTINCT customer_id FROM (
  SELECT customer_id FROM receipt WHERE customer_id > $1 ORDER BY customer_id LIMIT $2
) AS page ORDER BY customer_id
"""
_OF_MEMBERS = """
SELECT r.*, r.lines::text AS left_lines, r.sold::text AS sold_lines, r.earned::text AS by_rule,
  s.state ->> 'joined_order' AS joined_order, t.value AS tier, m.value::int AS birthday_month
FROM (
  SELECT DISTINCT customer_id FROM (
    SELECT customer_id FROM receipt WHERE customer_id > $1 ORDER BY customer_id LIMIT $2
  ) AS page
) AS c
JOIN receipt r USING (customer_id) JOIN stream s ON s.id = r.customer_id
LEFT JOIN LATERAL (
  SELECT value FROM trait WHERE customer_id = r.customer_id AND kind = 'tier' AND from_at <= r.sold_at
  ORDER BY from_at DESC, value DESC LIMIT 1
) AS t ON true
LEFT JOIN LATERAL (
  SELECT value FROM trait WHERE customer_id = r.customer_id AND kind = 'birthday_month' AND from_at <= r.sold_at
  ORDER BY from_at DESC, value DESC LIMIT 1
) AS m ON true
ORDER BY r.customer_id, r.receipt_order
"""


class OfMember(NamedTuple):
    """A receipt, whose it is, and from which on hers earn; None while she is no member."""

    customer_id: UUID
    joined_order: str | None
    receipt: Receipt


async def of_members(tx: Tx, after: UUID, most: int, dated: Policies) -> list[OfMember]:
    """Return all receipts of the next customers, who have about so many, by customer and in their order."""
    return [
        OfMember(
            row["customer_id"],
            row["joined_order"],
            replace(
                receipt_of(row, dated.numbered(row["policy_version"]).terms),
                tier=row["tier"],
                birthday_month=row["birthday_month"],
            ),
        )
        for row in await tx.fetch(_OF_MEMBERS, after, most)
    ]


async def customers(tx: Tx, after: UUID, most: int) -> list[UUID]:
    """Return the next customers who have receipts, by their ids: those of so many receipts."""
    return [row["customer_id"] for row in await tx.fetch(_CUSTOMERS, after, most)]
