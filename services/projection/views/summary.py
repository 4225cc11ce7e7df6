"""The chain's figures over local days, in all, by branch and by day. Money is minor units, a day the branch's own."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from services.projection.views.freshness import freshness
from shared.postgres import Tx

_RECEIPTS = """
SELECT branch, day, sum(receipts)::bigint AS receipts, sum(lines)::bigint AS lines,
  sum(gross_minor)::bigint AS gross_minor, sum(refunded_minor)::bigint AS refunded_minor
FROM receipt_day WHERE day >= coalesce($1::date, '-infinity') AND day <= coalesce($2::date, 'infinity')
GROUP BY GROUPING SETS ((branch), (day), ())
"""
_CUSTOMERS = """
SELECT branch, day, count(DISTINCT customer_id) AS customers FROM customer_day
WHERE receipts > 0 AND day >= coalesce($1::date, '-infinity') AND day <= coalesce($2::date, 'infinity')
GROUP BY GROUPING SETS ((branch), (day), ())
"""
_MEMBERS = """
SELECT branch, day, count(*) AS members
FROM (SELECT m.branch, (m.joined_at AT TIME ZONE coalesce(b.zone, 'UTC'))::date AS day
      FROM member m LEFT JOIN branch b USING (branch)
      WHERE m.customer_id NOT IN (SELECT customer_id FROM joined_again)) AS joined
WHERE day >= coalesce($1::date, '-infinity') AND day <= coalesce($2::date, 'infinity')
GROUP BY GROUPING SETS ((branch), (day), ())
"""
_POINTS = """
SELECT branch, day, sum(earned)::bigint AS earned, sum(taken_back)::bigint AS taken_back,
  sum(redeemed)::bigint AS redeemed, sum(expired)::bigint AS expired
FROM points_day WHERE day >= coalesce($1::date, '-infinity') AND day <= coalesce($2::date, 'infinity')
GROUP BY GROUPING SETS ((branch), (day), ())
"""
_OUTSTANDING = """
SELECT branch, sum(earned - taken_back - redeemed - expired)::bigint AS outstanding
FROM points_day WHERE day <= coalesce($1::date, 'infinity') GROUP BY GROUPING SETS ((branch), ())
"""
_CURRENCY = "SELECT currency FROM chain"
_BRANCHES = "SELECT branch, title, region, zone FROM branch"


class Points(BaseModel):
    """Points of receipts in the span, what became of them, and what is left of all up to its end.

    A debt that was forgiven is of no receipt: what is outstanding does not know of it.
    """

    earned: int
    taken_back: int
    redeemed: int
    expired: int
    outstanding: int


class DayPoints(BaseModel):
    """Points of a day's receipts, and what became of them since."""

    earned: int
    taken_back: int
    redeemed: int
    expired: int


class Figures(BaseModel):
    """Receipts of the span. `refunded` goes by the refund's own day; `customers` are ids that have own lines, `members`
    persons who joined.
    """

    receipts: int
    lines: int
    gross_minor: int
    refunded_minor: int
    net_minor: int
    customers: int
    members: int


class BranchFigures(Figures):
    """A branch's share; title, region and zone are empty until the branch has been described."""

    code: str
    title: str | None
    region: str | None
    zone: str | None
    points: Points


class DayFigures(Figures):
    """All branches on their own day of this date."""

    on: date
    points: DayPoints


class Summary(Figures):
    """The answer of `GET /v1/chain/summary`. `as_of`: when the newest event counted here was recorded, or None."""

    currency: str | None
    points: Points
    branches: tuple[BranchFigures, ...]
    days: tuple[DayFigures, ...]
    as_of: datetime | None
    read_at: datetime


@dataclass
class _Sums:
    """One group's figures as they are gathered from the tables."""

    receipts: int = 0
    lines: int = 0
    gross_minor: int = 0
    refunded_minor: int = 0
    customers: int = 0
    members: int = 0
    earned: int = 0
    taken_back: int = 0
    redeemed: int = 0
    expired: int = 0
    outstanding: int = 0

    def take(self, row: Any) -> None:
        """Take over what the row has; an empty sum is none."""
        for name in (f.name for f in fields(self)):
            if (value := row.get(name)) is not None:
                setattr(self, name, value)

    @property
    def figures(self) -> dict[str, Any]:
        """Return the fields of Figures."""
        own = {name: getattr(self, name) for name in Figures.model_fields if name != "net_minor"}
        return own | {"net_minor": self.gross_minor - self.refunded_minor}

    @property
    def points(self) -> dict[str, int]:
        """Return the fields of Points."""
        return {name: getattr(self, name) for name in Points.model_fields}

    @property
    def day_points(self) -> DayPoints:
        return DayPoints(**{name: getattr(self, name) for name in DayPoints.model_fields})


_Groups = dict[tuple[str | None, date | None], _Sums]


async def summary(tx: Tx, first: date | None, last: date | None) -> Summary:
    """Return the figures of what the transaction may see, from `first` to `last` day, both included, either open."""
    groups: _Groups = defaultdict(_Sums)
    for statement in (_RECEIPTS, _CUSTOMERS, _MEMBERS, _POINTS):
        for row in await tx.fetch(statement, first, last):
            groups[row["branch"], row["day"]].take(row)
    for row in await tx.fetch(_OUTSTANDING, last):
        groups[row["branch"], None].take(row)
    described = {row["branch"]: row for row in await tx.fetch(_BRANCHES)}
    for code in described:
        groups[code, None]
    now = await freshness(tx)
    whole = groups[None, None]
    return Summary(
        **whole.figures,
        currency=await tx.fetchval(_CURRENCY),
        points=Points(**whole.points),
        branches=tuple(_branches(groups, described)),
        days=tuple(_days(groups)),
        as_of=now.as_of,
        read_at=now.read_at,
    )


def _branches(groups: _Groups, described: dict[str, Any]) -> Iterable[BranchFigures]:
    for code in sorted(branch for branch, _ in groups if branch is not None):
        row, sums = described.get(code, {}), groups[code, None]
        yield BranchFigures(
            **sums.figures,
            code=code,
            title=row.get("title"),
            region=row.get("region"),
            zone=row.get("zone"),
            points=Points(**sums.points),
        )


def _days(groups: _Groups) -> Iterable[DayFigures]:
    for on in sorted(day for _, day in groups if day is not None):
        sums = groups[None, on]
        yield DayFigures(**sums.figures, on=on, points=sums.day_points)
