"""Every receipt a customer has, earning or waiting for a membership. Amounts are minor units."""

import json
from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from services.loyalty_points.domain import (
    AccountCommand,
    CountReceipt,
    CountRefund,
    ReceiptNoted,
    ReceiptReduced,
    StartEarning,
)
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import Terms
from shared.message import Command, Envelope
from shared.policy import Policies, policies
from shared.postgres import Tx

_RECEIPTS = """
WITH asked AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
  WITH ORDINALITY AS a (customer_id, sale_id, from_order, place)
)
SELECT a.place, r.*, r.lines::text AS left_lines, r.terms::text AS its_terms FROM asked a
JOIN receipt r ON r.customer_id = a.customer_id AND r.sale_id = a.sale_id
UNION ALL
SELECT a.place, r.*, r.lines::text AS left_lines, r.terms::text AS its_terms FROM asked a
JOIN receipt r ON r.customer_id = a.customer_id AND r.receipt_order >= a.from_order
ORDER BY place, receipt_order
"""
_NOTE = """
INSERT INTO receipt (customer_id, sale_id, branch, sold_on, sold_at, receipt_order, net_minor, lines, terms,
                     policy_version)
SELECT customer_id, sale_id, branch, sold_on, sold_at, receipt_order, net_minor, lines::jsonb, terms::jsonb,
       policy_version
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::timestamptz[], $6::text[], $7::bigint[], $8::text[],
            $9::text[], $10::bigint[])
  AS n (customer_id, sale_id, branch, sold_on, sold_at, receipt_order, net_minor, lines, terms, policy_version)
"""
_REDUCE = """
UPDATE receipt SET lines = receipt.lines || r.lines::jsonb, refunded_at = greatest(receipt.refunded_at, r.refunded_at)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS r (customer_id, sale_id, lines, refunded_at)
WHERE receipt.customer_id = r.customer_id AND receipt.sale_id = r.sale_id
"""


async def gather(tx: Tx, commands: Sequence[AccountCommand], /) -> Sequence[Command]:
    """Bring the receipt that a command is about, or all from the joining one on, and the policy of a receipt's time."""
    dated = await policies(tx, Terms)
    rows = await tx.fetch(
        _RECEIPTS,
        [c.customer_id for c in commands],
        [None if isinstance(c, StartEarning) else c.sale_id for c in commands],
        [c.joined_order if isinstance(c, StartEarning) else None for c in commands],
    )
    known: dict[int, list[Receipt]] = defaultdict(list)
    for row in rows:
        known[row["place"]].append(_receipt(row))
    return [_informed(command, known[place], dated) for place, command in enumerate(commands, start=1)]


def _receipt(row: "asyncpg.Record") -> Receipt:
    return Receipt(
        sale_id=row["sale_id"],
        branch=row["branch"],
        on=row["sold_on"],
        sold_at=row["sold_at"],
        order=row["receipt_order"],
        net_minor=row["net_minor"],
        left={int(line): left for line, left in json.loads(row["left_lines"]).items()},
        refunded_at=row["refunded_at"],
        terms=Terms.model_validate_json(row["its_terms"]),
        policy_version=row["policy_version"],
    )


def _informed(command: AccountCommand, receipts: list[Receipt], dated: Policies) -> Command:
    match command:
        case CountReceipt():
            holds = dated.at(command.at)
            update = {"terms": holds.terms, "policy_version": holds.version, "is_known": bool(receipts)}
            return command.model_copy(update=update)
        case CountRefund():
            return command.model_copy(update={"receipt": receipts[0] if receipts else None})
        case StartEarning():
            return command.model_copy(update={"waiting": tuple(receipts)})


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep the receipts, and what refunds leave of them."""
    told = [e.event for e in events]
    if noted := [e for e in told if isinstance(e, ReceiptNoted)]:
        await tx.execute(
            _NOTE,
            [e.customer_id for e in noted],
            [e.sale_id for e in noted],
            [e.branch for e in noted],
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
