"""Every receipt a customer has, earning or waiting for a membership, and what it has earned. Minor units."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import ReceiptNoted, ReceiptRecounted, ReceiptReduced
from services.loyalty_points.domain.settling import earned_by
from services.loyalty_points.guards import identities, traits
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import Terms
from services.loyalty_points.worth import Item, Sold
from shared.message import Envelope, Event
from shared.policy import Policies
from shared.postgres import Tx
from shared.replacing import replace

_RECEIPTS = """
WITH asked AS (
  SELECT * FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                       $7::uuid[])
    AS a (place, owner, sale_id, from_order, since, until, under)
)
SELECT a.place, r.*, r.lines::text AS left_lines, r.sold::text AS sold_lines, r.earned::text AS by_rule
FROM asked a CROSS JOIN LATERAL (
  SELECT * FROM receipt WHERE customer_id = a.under AND sale_id = a.sale_id
  UNION ALL SELECT * FROM receipt WHERE owner = a.owner AND receipt_order >= a.from_order
  UNION ALL SELECT * FROM receipt WHERE owner = a.owner AND sold_at >= a.since AND sold_at < a.until
    AND (sale_id, customer_id) IS DISTINCT FROM (a.sale_id, a.under)
) AS r
ORDER BY a.place, r.receipt_order
"""
_RECOUNT = """
UPDATE receipt SET policy_version = r.policy_version
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS r (customer_id, sale_id, policy_version)
WHERE receipt.customer_id = r.customer_id AND receipt.sale_id = r.sale_id
"""
_NOTE = """
INSERT INTO receipt (customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, sold, lines, policy_version,
                     earned, kept, lots, owner)
SELECT customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, sold::jsonb, lines::jsonb, policy_version,
       earned::jsonb, kept, lots, owner
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::timestamptz[], $7::text[], $8::text[],
            $9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::int[], $14::uuid[])
  AS n (customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, sold, lines, policy_version, earned, kept,
        lots, owner)
"""
_REDUCE = """
UPDATE receipt SET lines = receipt.lines || r.lines::jsonb, refunded_at = greatest(receipt.refunded_at, r.refunded_at)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS r (customer_id, sale_id, lines, refunded_at)
WHERE receipt.customer_id = r.customer_id AND receipt.sale_id = r.sale_id
"""
_SETTLE = """
UPDATE receipt SET kept = receipt.kept + s.kept, lots = receipt.lots + s.lots, earned = (
  SELECT coalesce(jsonb_object_agg(rule, points) FILTER (WHERE points <> 0), '{}') FROM (
    SELECT key AS rule, sum(value::bigint) AS points
    FROM (
      SELECT * FROM jsonb_each_text(receipt.earned) UNION ALL SELECT * FROM jsonb_each_text(s.earned::jsonb)
    ) AS moved GROUP BY key
  ) AS sums
)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::int[]) AS s (customer_id, sale_id, earned, kept, lots)
WHERE receipt.customer_id = s.customer_id AND receipt.sale_id = s.sale_id
"""


@dataclass(frozen=True)
class Asked:
    """Which receipts of a customer a command is about: one under an id of hers, all from an order on, or of a time."""

    customer_id: UUID
    sale_id: UUID | None = None
    from_order: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    under: UUID | None = None


@dataclass
class _Gained:
    """What entries of a receipt add up to."""

    earned: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    lots: int = 0

    @property
    def by_rule(self) -> str:
        """Return what was earned as JSON, without rules that gave and took."""
        return json.dumps({rule: points for rule, points in self.earned.items() if points})


async def known(tx: Tx, asked: Mapping[int, Asked], dated: Policies) -> Mapping[int, list[Receipt]]:
    """Return by place the receipts that are asked for, in their order, each with the policy and traits of its time."""
    found: dict[int, list[Receipt]] = defaultdict(list)
    if not asked:
        return found
    whose = asked.values()
    rows = await tx.fetch(
        _RECEIPTS,
        list(asked),
        [a.customer_id for a in whose],
        [a.sale_id for a in whose],
        [a.from_order for a in whose],
        [a.since for a in whose],
        [a.until for a in whose],
        [a.under or a.customer_id for a in whose],
    )
    receipts = await of_their_time(tx, rows, dated, traits.looked_at(dated))
    for row, receipt in zip(rows, receipts, strict=True):
        found[row["place"]].append(receipt)
    return found


async def of_their_time(
    tx: Tx, rows: Sequence["asyncpg.Record"], dated: Policies, kinds: Collection[traits.Kind]
) -> list[Receipt]:
    """Return the receipt of each row, with its policy, as whom she earned by it then, and these traits of that one."""
    whole = await identities.known(tx, (r["owner"] for r in rows if r["owner"] != r["customer_id"]))
    as_whom = [identities.earner(whole.get(r["owner"]), r["owner"], r["customer_id"], r["sold_at"]) for r in rows]
    moments = [(who or r["owner"], r["sold_at"]) for who, r in zip(as_whom, rows, strict=True)]
    held = await traits.in_force(tx, moments, kinds)
    return [
        replace(receipt_of(row, dated.numbered(row["policy_version"]).terms), earner=who, **held[moment]._asdict())
        for row, who, moment in zip(rows, as_whom, moments, strict=True)
    ]


def receipt_of(row: "asyncpg.Record", terms: Terms) -> Receipt:
    """Return the receipt of a row, whose customer is not known here."""
    return Receipt(
        sale_id=row["sale_id"],
        branch=row["branch"],
        zone=row["zone"],
        on=row["sold_on"],
        sold_at=row["sold_at"],
        order=row["receipt_order"],
        sold={int(line): Sold(net, Item(*item)) for line, (net, item) in json.loads(row["sold_lines"]).items()},
        left={int(line): left for line, left in json.loads(row["left_lines"]).items()},
        refunded_at=row["refunded_at"],
        terms=terms,
        policy_version=row["policy_version"],
        earned=json.loads(row["by_rule"]),
        kept=row["kept"],
        lots=row["lots"],
        origin=row["customer_id"] if row["customer_id"] != row["owner"] else None,
    )


async def keep(tx: Tx, events: Sequence[Envelope]) -> None:
    """Keep the receipts, what refunds leave of them, what terms they have, and what they have earned."""
    told = [e.event for e in events]
    gained = _gained(told)
    await _note(tx, [(e.event, e.stream_id) for e in events if isinstance(e.event, ReceiptNoted)], gained)
    if reduced := [e for e in told if isinstance(e, ReceiptReduced)]:
        await tx.execute(
            _REDUCE,
            [e.customer_id for e in reduced],
            [e.sale_id for e in reduced],
            [json.dumps(e.lines) for e in reduced],
            [e.at for e in reduced],
        )
    if recounted := [e for e in told if isinstance(e, ReceiptRecounted)]:
        await tx.execute(
            _RECOUNT,
            [e.customer_id for e in recounted],
            [e.sale_id for e in recounted],
            [e.policy_version for e in recounted],
        )
    if gained:
        sums = gained.values()
        await tx.execute(
            _SETTLE,
            [who for who, _ in gained],
            [sale_id for _, sale_id in gained],
            [one.by_rule for one in sums],
            [one.kept for one in sums],
            [one.lots for one in sums],
        )


async def _note(
    tx: Tx, noted_on: Sequence[tuple[ReceiptNoted, UUID]], gained: dict[tuple[UUID, UUID], _Gained]
) -> None:
    """Keep new receipts with what they have earned at once, which is taken out of `gained`."""
    if not noted_on:
        return
    noted = [e for e, _ in noted_on]
    own = [gained.pop((e.customer_id, e.sale_id), _Gained()) for e in noted]
    await tx.execute(
        _NOTE,
        [e.customer_id for e in noted],
        [e.sale_id for e in noted],
        [e.branch for e in noted],
        [e.zone for e in noted],
        [e.on for e in noted],
        [e.at for e in noted],
        [e.order for e in noted],
        [json.dumps({line: Sold(net, e.items.get(line, Item())) for line, net in e.lines.items()}) for e in noted],
        [json.dumps(e.lines) for e in noted],
        [e.policy_version for e in noted],
        [one.by_rule for one in own],
        [one.kept for one in own],
        [one.lots for one in own],
        [owner for _, owner in noted_on],
    )


def _gained(told: Sequence[Event]) -> dict[tuple[UUID, UUID], _Gained]:
    sums: dict[tuple[UUID, UUID], _Gained] = defaultdict(_Gained)
    for event in told:
        if isinstance(event, PointsEarned | PointsTakenBack):
            one = sums[event.origin or event.customer_id, event.sale_id]
            one.earned.update(earned_by(event))
            one.kept += event.points if isinstance(event, PointsEarned) else -event.points
            one.lots += isinstance(event, PointsEarned)
    return sums
