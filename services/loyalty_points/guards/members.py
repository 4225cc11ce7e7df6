"""Accounts one after another with all their receipts, for what goes over all history. A page is some receipts long."""

from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from services.loyalty_points.domain import Account
from services.loyalty_points.domain.identity import Other
from services.loyalty_points.guards.receipts import of_their_time, receipt_of
from services.loyalty_points.guards.traits import KINDS
from services.loyalty_points.receipt import Receipt
from shared.policy import Policies
from shared.postgres import Tx
from shared.replacing import replace

# by the id of each receipt, which stays when two become one or two again between two pages
_CUSTOMERS = """
SELECT DISTINCT customer_id FROM (
  SELECT customer_id FROM receipt WHERE customer_id > $1 ORDER BY customer_id LIMIT $2
) AS page ORDER BY customer_id
"""
# traits are those of the receipt's own customer, which is who earns by it unless it came with a merge
_OF_MEMBERS = """
SELECT r.*, r.lines::text AS left_lines, r.sold::text AS sold_lines, r.earned::text AS by_rule,
  s.state ->> 'joined_order' AS joined_order, coalesce(s.state ->> 'others', '[]') AS others,
  t.value AS tier, m.value::int AS birthday_month
FROM (
  SELECT DISTINCT owner FROM (
    SELECT owner FROM receipt WHERE owner > $1 ORDER BY owner LIMIT $2
  ) AS page
) AS c
JOIN receipt r USING (owner) JOIN stream s ON s.id = r.owner
LEFT JOIN LATERAL (
  SELECT value FROM trait WHERE customer_id = r.customer_id AND kind = 'tier' AND from_at <= r.sold_at
  ORDER BY from_at DESC, value DESC LIMIT 1
) AS t ON true
LEFT JOIN LATERAL (
  SELECT value FROM trait WHERE customer_id = r.customer_id AND kind = 'birthday_month' AND from_at <= r.sold_at
  ORDER BY from_at DESC, value DESC LIMIT 1
) AS m ON true
ORDER BY r.owner, r.receipt_order
"""
_OTHERS = TypeAdapter(tuple[Other, ...])
NO_OTHERS = "[]"


class Member(NamedTuple):
    """All receipts of an account in their order; of the account itself only what says which of them earn."""

    customer_id: UUID
    account: Account
    receipts: list[Receipt]


async def of_members(tx: Tx, after: UUID, most: int, dated: Policies) -> list[Member]:
    """Return the next accounts by their ids, which have about so many receipts."""
    rows = await tx.fetch(_OF_MEMBERS, after, most)
    merged = [row for row in rows if row["owner"] != row["customer_id"]]
    of_merged = iter(await of_their_time(tx, merged, dated, KINDS))
    found: dict[UUID, Member] = {}
    for row in rows:
        who = row["owner"]
        if who not in found:
            others = _OTHERS.validate_json(row["others"]) if row["others"] != NO_OTHERS else ()
            found[who] = Member(who, Account(row["joined_order"], others=others), [])
        if who != row["customer_id"]:
            receipt = next(of_merged)
        else:
            known = receipt_of(row, dated.numbered(row["policy_version"]).terms)
            receipt = replace(known, tier=row["tier"], birthday_month=row["birthday_month"])
        found[who].receipts.append(receipt)
    return list(found.values())


async def customers(tx: Tx, after: UUID, most: int) -> list[UUID]:
    """Return the next ids under which there are receipts: those of so many receipts."""
    return [row["customer_id"] for row in await tx.fetch(_CUSTOMERS, after, most)]
