"""What the page shows: a local day in each branch, its hours, latest sales, the days before. Money is minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.projection.views.freshness import Freshness, freshness
from shared.postgres import Tx

HOURS = 24
TREND_DAYS = 14
LATEST = 8

_CHAIN = "SELECT name, currency FROM chain"
_BRANCHES = """
SELECT branch, coalesce(title, branch) AS title, coalesce(zone, 'UTC') AS zone, coalesce(region, '') AS region
FROM branch FULL JOIN (SELECT DISTINCT branch FROM receipt_day WHERE day BETWEEN $1 AND $2) AS heard USING (branch)
ORDER BY branch
"""
_RECEIPTS = """
SELECT branch, receipts, gross_minor, refunded_minor
FROM unnest($1::text[], $2::date[]) AS shown (branch, day) JOIN receipt_day USING (branch, day)
"""
_CUSTOMERS = """
SELECT branch, count(DISTINCT customer_id) AS customers
FROM unnest($1::text[], $2::date[]) AS shown (branch, day) JOIN customer_day USING (branch, day)
WHERE receipts > 0 GROUP BY GROUPING SETS ((branch), ())
"""
_MEMBERS = """
SELECT count(*) AS members, count(*) FILTER (WHERE m.joined_at >= $3 AND m.joined_at < $4
  AND (m.joined_at AT TIME ZONE coalesce(b.zone, 'UTC'))::date = shown.day) AS joined
FROM member m LEFT JOIN branch b USING (branch)
  LEFT JOIN unnest($1::text[], $2::date[]) AS shown (branch, day) USING (branch)
WHERE m.customer_id NOT IN (SELECT customer_id FROM joined_again)
"""
_POINTS = """
SELECT coalesce(sum(earned), 0)::bigint AS earned, coalesce(sum(taken_back), 0)::bigint AS taken_back
FROM unnest($1::text[], $2::date[]) AS shown (branch, day) JOIN points_day USING (branch, day)
"""
_BY_HOUR = """
SELECT hour, sum(receipts)::bigint AS receipts, sum(gross_minor - refunded_minor)::bigint AS net_minor
FROM unnest($1::text[], $2::date[]) AS shown (branch, day) JOIN receipt_hour USING (branch, day) GROUP BY hour
"""
_LATEST_SALES = """
SELECT s.sale_id, s.branch, s.zone, s.at, s.number, s.title, s.lines, s.customers, s.net_minor, s.refunded_minor
FROM unnest($1::text[], $2::date[]) AS shown (branch, day) CROSS JOIN LATERAL
  (SELECT * FROM sale WHERE sale.branch = shown.branch AND sale.day = shown.day ORDER BY at DESC LIMIT $3) AS s
ORDER BY s.at DESC, s.sale_id LIMIT $3
"""
_TREND = """
SELECT day, sum(receipts)::bigint AS receipts, sum(gross_minor - refunded_minor)::bigint AS net_minor
FROM receipt_day WHERE day BETWEEN $1 AND $2 GROUP BY day
"""
_CODES = "SELECT branch, title FROM branch ORDER BY branch"
_LAST_DAY = "SELECT max(day) FROM receipt_day WHERE day < $1 AND receipts > 0"


@dataclass(frozen=True)
class Branch:
    """A branch on its day."""

    code: str
    title: str
    zone: str
    region: str
    on: date
    receipts: int = 0
    customers: int = 0
    gross_minor: int = 0
    refunded_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Return what is left after the day's refunds."""
        return self.gross_minor - self.refunded_minor


@dataclass(frozen=True)
class Slot:
    """An hour on the branches' clocks, or a day: its receipts and what is left of them after refunds."""

    at: int | date
    receipts: int
    net_minor: int


@dataclass(frozen=True)
class Sale:
    """A receipt; `title` is what its first line sold."""

    sale_id: str
    branch: str
    zone: str
    at: datetime
    number: str
    title: str
    lines: int
    customers: int
    net_minor: int
    refunded_minor: int


@dataclass(frozen=True)
class Today:
    """A local day of the branches in sight. `on` is the latest of their days; `last_on` the last with sales before."""

    chain: str | None
    currency: str | None
    on: date
    branches: tuple[Branch, ...]
    customers: int
    members: int
    joined: int
    earned: int
    taken_back: int
    hours: tuple[Slot, ...]
    latest: tuple[Sale, ...]
    trend: tuple[Slot, ...]
    last_on: date | None
    fresh: Freshness

    @property
    def receipts(self) -> int:
        """Return the day's receipts in all branches."""
        return sum(branch.receipts for branch in self.branches)

    @property
    def gross_minor(self) -> int:
        """Return the net of sales, before refunds."""
        return sum(branch.gross_minor for branch in self.branches)

    @property
    def refunded_minor(self) -> int:
        """Return what was given back on the day."""
        return sum(branch.refunded_minor for branch in self.branches)

    @property
    def net_minor(self) -> int:
        """Return what is left after the day's refunds."""
        return self.gross_minor - self.refunded_minor

    @property
    def average_minor(self) -> int:
        """Return what a receipt was worth before refunds, rounded."""
        return round(self.gross_minor / self.receipts) if self.receipts else 0

    @property
    def before(self) -> date:
        """Return the day before."""
        return self.on - timedelta(days=1)

    @property
    def after(self) -> date:
        """Return the day after."""
        return self.on + timedelta(days=1)


def local_day(zone: str, now: datetime) -> date:
    """Return the day it is in the zone; a zone that this machine does not know counts as UTC."""
    try:
        return now.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError):
        return now.astimezone(UTC).date()


async def today(tx: Tx, now: datetime, on: date | None) -> Today:
    """Return what the transaction may see of the day `on`, or of the day it is now in each branch."""
    chain = await tx.fetchrow(_CHAIN)
    around = on or now.astimezone(UTC).date()
    rows = await tx.fetch(_BRANCHES, around - timedelta(days=1), around + timedelta(days=1))
    days = {row["branch"]: on or local_day(row["zone"], now) for row in rows}
    shown = (list(days), list(days.values()))
    latest_day = max(days.values(), default=around)
    customers = {row["branch"]: row["customers"] for row in await tx.fetch(_CUSTOMERS, *shown)}
    midnight = datetime(latest_day.year, latest_day.month, latest_day.day, tzinfo=UTC)
    members = await tx.fetchrow(_MEMBERS, *shown, midnight - timedelta(days=2), midnight + timedelta(days=2))
    points = await tx.fetchrow(_POINTS, *shown)
    assert members is not None
    assert points is not None
    return Today(
        chain=chain["name"] if chain else None,
        currency=chain["currency"] if chain else None,
        on=latest_day,
        branches=await _branches(tx, rows, shown, customers),
        customers=customers.get(None, 0),
        members=members["members"],
        joined=members["joined"],
        earned=points["earned"],
        taken_back=points["taken_back"],
        hours=await _hours(tx, shown),
        latest=tuple(Sale(**row) for row in await tx.fetch(_LATEST_SALES, *shown, LATEST)),
        trend=await _trend(tx, latest_day),
        last_on=await tx.fetchval(_LAST_DAY, min(days.values(), default=around)),
        fresh=await freshness(tx),
    )


_Shown = tuple[list[str], list[date]]


async def _branches(tx: Tx, rows: Sequence[Any], shown: _Shown, customers: dict[str | None, int]) -> tuple[Branch, ...]:
    sums = {row["branch"]: row for row in await tx.fetch(_RECEIPTS, *shown)}
    on = dict(zip(*shown, strict=True))
    return tuple(
        Branch(
            code=(code := row["branch"]),
            title=row["title"],
            zone=row["zone"],
            region=row["region"],
            on=on[code],
            customers=customers.get(code, 0),
            **{name: sums[code][name] for name in ("receipts", "gross_minor", "refunded_minor") if code in sums},
        )
        for row in rows
    )


async def _hours(tx: Tx, shown: _Shown) -> tuple[Slot, ...]:
    found = {row["hour"]: row for row in await tx.fetch(_BY_HOUR, *shown)}
    return tuple(_slot(hour, found.get(hour)) for hour in range(HOURS))


async def _trend(tx: Tx, last: date) -> tuple[Slot, ...]:
    first = last - timedelta(days=TREND_DAYS - 1)
    found = {row["day"]: row for row in await tx.fetch(_TREND, first, last)}
    return tuple(_slot(day, found.get(day)) for day in (first + timedelta(days=i) for i in range(TREND_DAYS)))


def _slot(at: int | date, row: Any) -> Slot:
    return Slot(at, row["receipts"], row["net_minor"]) if row else Slot(at, 0, 0)


async def codes(tx: Tx) -> dict[str, str]:
    """Return the branches that the transaction may see: code to title."""
    return {row["branch"]: row["title"] for row in await tx.fetch(_CODES)}
