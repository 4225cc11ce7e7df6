"""Every receipt a customer has, earning or waiting for a membership. Amounts are minor units."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

import asyncpg

from services.loyalty_points.domain import CountReceipt, CountRefund, ReceiptNoted, ReceiptReduced, StartEarning
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import Terms
from shared.message import Event
from shared.postgres import Tx

_RECEIPTS = """
WITH asked AS (
  SELECT * FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::text[]) AS a (place, customer_id, sale_id, from_order)
)
SELECT a.place, r.*, r.lines::text AS left_lines, r.terms::text AS its_terms FROM asked a
JOIN receipt r ON r.customer_id = a.customer_id AND r.sale_id = a.sale_id
UNION ALL
SELECT a.place, r.*, r.lines::text AS left_lines, r.terms::text AS its_terms FROM asked a
JOIN receipt r ON r.customer_id = a.customer_id AND r.receipt_order >= a.from_order
ORDER BY place, receipt_order
"""
_NOTE = """
INSERT INTO receipt (customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, net_minor, lines, terms,
                     policy_version)
SELECT customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, net_minor, lines::jsonb, terms::jsonb,
       policy_version
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::timestamptz[], $7::text[], $8::bigint[],
            $9::text[], $10::text[], $11::bigint[])
  AS n (customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, net_minor, lines, terms, policy_version)
"""
_REDUCE = """
UPDATE receipt SET lines = receipt.lines || r.lines::jsonb, refunded_at = greatest(receipt.refunded_at, r.refunded_at)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS r (customer_id, sale_id, lines, refunded_at)
WHERE receipt.customer_id = r.customer_id AND receipt.sale_id = r.sale_id
"""


async def known(
    tx: Tx, commands: Mapping[int, CountReceipt | CountRefund | StartEarning]
) -> Mapping[int, list[Receipt]]:
    """Return by place the receipt that each command is about, or all from the joining one on, in their order."""
    found: dict[int, list[Receipt]] = defaultdict(list)
    if commands:
        told = commands.values()
        rows = await tx.fetch(
            _RECEIPTS,
            list(commands),
            [c.customer_id for c in told],
            [None if isinstance(c, StartEarning) else c.sale_id for c in told],
            [c.joined_order if isinstance(c, StartEarning) else None for c in told],
        )
        for row in rows:
            found[row["place"]].append(_receipt(row))
    return found


def _receipt(row: "asyncpg.Record") -> Receipt:
    return Receipt(
        sale_id=row["sale_id"],
        branch=row["branch"],
        zone=row["zone"],
        on=row["sold_on"],
        sold_at=row["sold_at"],
        order=row["receipt_order"],
        net_minor=row["net_minor"],
        left={int(line): left for line, left in json.loads(row["left_lines"]).items()},
        refunded_at=row["refunded_at"],
        terms=Terms.model_validate_json(row["its_terms"]),
        policy_version=row["policy_version"],
    )


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Keep the receipts, and what refunds leave of them."""
    if noted := [e for e in told if isinstance(e, ReceiptNoted)]:
        await tx.execute(
            _NOTE,
            [e.customer_id for e in noted],
            [e.sale_id for e in noted],
            [e.branch for e in noted],
            [e.zone for e in noted],
            [e.on for e in noted],
            [e.at for e in noted],
            [e.order for e in noted],
            [e.net_minor for e in noted],
            [json.dumps(e.lines) for e in noted],
            [e.terms.model_dump_json() for e in noted],
            [e.policy_version for e in noted],
        )
    if reduced := [e for e in told if isinstance(e, ReceiptReduced)]:
        await tx.execute(
            _REDUCE,
            [e.customer_id for e in reduced],
            [e.sale_id for e in reduced],
            [json.dumps(e.lines) for e in reduced],
            [e.at for e in reduced],
        )
