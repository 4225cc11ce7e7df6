"""Receipts by branch, day and hour, sales one by one, and who was seen where. A batch is added up, then written."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.pos import SaleRecorded, SaleRefunded, VisitCheckedIn
from shared.message import Envelope
from shared.postgres import Tx

_DAYS = """
INSERT INTO receipt_day AS d (branch, day, receipts, lines, gross_minor, refunded_minor, check_ins)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
ON CONFLICT (branch, day) DO UPDATE SET receipts = d.receipts + excluded.receipts, lines = d.lines + excluded.lines,
  gross_minor = d.gross_minor + excluded.gross_minor, refunded_minor = d.refunded_minor + excluded.refunded_minor,
  check_ins = d.check_ins + excluded.check_ins
"""
_HOURS = """
INSERT INTO receipt_hour AS h (branch, day, hour, receipts, gross_minor, refunded_minor)
SELECT * FROM unnest($1::text[], $2::date[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (branch, day, hour) DO UPDATE SET receipts = h.receipts + excluded.receipts,
  gross_minor = h.gross_minor + excluded.gross_minor, refunded_minor = h.refunded_minor + excluded.refunded_minor
"""
_SALES = """
INSERT INTO sale (sale_id, branch, day, at, zone, number, title, lines, customers, net_minor)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
  $8::int[], $9::int[], $10::bigint[])
"""
_REFUNDS = """
UPDATE sale SET refunded_minor = sale.refunded_minor + r.refunded
FROM unnest($1::uuid[], $2::bigint[]) AS r (sale_id, refunded) WHERE sale.sale_id = r.sale_id
"""
_CUSTOMERS = """
INSERT INTO customer_day AS c
  (branch, day, customer_id, receipts, check_ins, gross_minor, refunded_minor, first_at, last_at)
SELECT * FROM unnest($1::text[], $2::date[], $3::uuid[], $4::int[], $5::int[], $6::bigint[], $7::bigint[],
  $8::timestamptz[], $9::timestamptz[])
ON CONFLICT (branch, day, customer_id) DO UPDATE SET receipts = c.receipts + excluded.receipts,
  check_ins = c.check_ins + excluded.check_ins, gross_minor = c.gross_minor + excluded.gross_minor,
  refunded_minor = c.refunded_minor + excluded.refunded_minor,
  first_at = least(c.first_at, excluded.first_at), last_at = greatest(c.last_at, excluded.last_at)
"""

RECEIPTS, LINES, GROSS, REFUNDED, CHECK_INS = range(5)
_Sums = defaultdict[tuple[Any, ...], list[int]]


def _sums() -> _Sums:
    return defaultdict(lambda: [0] * 5)


@dataclass
class _Batch:
    """What a batch adds to each row, by the row's key; sums are in the order RECEIPTS to CHECK_INS."""

    days: _Sums = field(default_factory=_sums)
    hours: _Sums = field(default_factory=_sums)
    customers: _Sums = field(default_factory=_sums)
    seen: dict[tuple[Any, ...], tuple[datetime, datetime]] = field(default_factory=dict)
    sales: list[tuple[Any, ...]] = field(default_factory=list)
    refunds: defaultdict[UUID, int] = field(default_factory=lambda: defaultdict(int))

    def sold(self, sale: SaleRecorded) -> None:
        """Count a receipt for its branch, and each customer's own lines of it."""
        sums = {RECEIPTS: 1, LINES: len(sale.lines), GROSS: sale.net_minor}
        self._count(sale.branch, sale.on, sale.zone, sale.at, sums)
        own = sale.lines_by_customer()
        for customer, lines in own.items():
            self._count_customer(sale.branch, sale.on, customer, {RECEIPTS: 1, GROSS: sum(lines.values())}, sale.at)
        title = sale.lines[0].name if sale.lines else ""
        place = (sale.branch, sale.on, sale.at, sale.zone)
        self.sales.append((sale.sale_id, *place, sale.number, title, len(sale.lines), len(own), sale.net_minor))

    def refunded(self, refund: SaleRefunded) -> None:
        """Count a refund on its own day, and keep it beside its sale."""
        self._count(refund.branch, refund.on, refund.zone, refund.at, {REFUNDED: refund.refunded_minor})
        for line in refund.lines:
            if line.customer_id is not None:
                self._count_customer(refund.branch, refund.on, line.customer_id, {REFUNDED: line.refunded_minor})
        self.refunds[refund.sale_id] += refund.refunded_minor

    def checked_in(self, visit: VisitCheckedIn) -> None:
        """Count a visit, of somebody or nobody known."""
        _add(self.days[visit.branch, visit.on], {CHECK_INS: 1})
        if visit.customer_id is not None:
            self._count_customer(visit.branch, visit.on, visit.customer_id, {CHECK_INS: 1}, visit.at)

    def _count(self, branch: str, on: date, zone: str, at: datetime, sums: Mapping[int, int]) -> None:
        _add(self.days[branch, on], sums)
        _add(self.hours[branch, on, at.astimezone(ZoneInfo(zone)).hour], sums)

    def _count_customer(
        self, branch: str, on: date, customer: UUID, sums: Mapping[int, int], at: datetime | None = None
    ) -> None:
        key = (branch, on, customer)
        _add(self.customers[key], sums)
        if at is not None:
            first, last = self.seen.get(key, (at, at))
            self.seen[key] = (min(first, at), max(last, at))


def _add(row: list[int], sums: Mapping[int, int]) -> None:
    for place, amount in sums.items():
        row[place] += amount


async def project(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Add a batch of sales, refunds and visits; a sale's refunds come after it."""
    batch = _Batch()
    for envelope in envelopes:
        match envelope.event:
            case SaleRecorded() as sale:
                batch.sold(sale)
            case SaleRefunded() as refund:
                batch.refunded(refund)
            case VisitCheckedIn() as visit:
                batch.checked_in(visit)
    await _write(tx, _DAYS, ((*key, *sums) for key, sums in batch.days.items()))
    await _write(tx, _HOURS, ((*k, s[RECEIPTS], s[GROSS], s[REFUNDED]) for k, s in batch.hours.items()))
    await _write(tx, _SALES, batch.sales)
    await _write(tx, _REFUNDS, batch.refunds.items())
    await _write(tx, _CUSTOMERS, (_customer_row(batch, key) for key in batch.customers))


def _customer_row(batch: _Batch, key: tuple[Any, ...]) -> tuple[Any, ...]:
    sums = batch.customers[key]
    first, last = batch.seen.get(key, (None, None))
    return *key, sums[RECEIPTS], sums[CHECK_INS], sums[GROSS], sums[REFUNDED], first, last


async def _write(tx: Tx, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run the statement with the rows as columns, in the order of their keys, which stand first."""
    ordered = sorted(rows, key=_key)
    if ordered:
        await tx.execute(statement, *zip(*ordered, strict=True))


def _key(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(row[:3])
