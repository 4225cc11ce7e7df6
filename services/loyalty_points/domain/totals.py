"""Totals of points by when they begin and end: all that a state must keep of any number of lots. Pure."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainSerializer

from services.loyalty_points.domain.lots import NEVER


def _instant(stored: Any) -> Any:
    return datetime.fromtimestamp(stored * 60, UTC) if isinstance(stored, int) else stored


def _minutes(at: datetime) -> int:
    return int(at.timestamp()) // 60


# the first instant of some local day, in whole minutes: as text it would be longer than all that is said of it
Midnight = Annotated[datetime, BeforeValidator(_instant), PlainSerializer(_minutes, return_type=int)]


class Active(NamedTuple):
    """Points that can be spent until they expire; None is never."""

    expires_at: Midnight | None
    points: int


class Waiting(NamedTuple):
    """Points that cannot be spent yet."""

    active_from: Midnight
    expires_at: Midnight | None
    points: int


def with_points(totals: tuple[Active, ...], expires_at: datetime | None, points: int) -> tuple[Active, ...]:
    """Return sorted totals with points more at one of them: the sort of hundreds for each entry would be most of it."""
    place = bisect_left(totals, expires_at or NEVER, key=_by_expiry)
    is_there = place < len(totals) and totals[place].expires_at == expires_at
    points += totals[place].points if is_there else 0
    return (*totals[:place], *([Active(expires_at, points)] if points else ()), *totals[place + is_there :])


def _by_expiry(total: Active) -> datetime:
    return total.expires_at or NEVER


def summed(totals: Iterable[Active]) -> tuple[Active, ...]:
    """Return a total for each end, soonest first; nothing of those that add up to nothing."""
    sums: dict[datetime, int] = {}
    for expires_at, points in totals:
        sums[expires_at or NEVER] = sums.get(expires_at or NEVER, 0) + points
    return tuple(Active(None if at == NEVER else at, sums[at]) for at in sorted(sums) if sums[at])


def summed_waiting(totals: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """Return a total for each beginning and end, soonest first."""
    sums: dict[tuple[datetime, datetime], int] = {}
    for active_from, expires_at, points in totals:
        key = active_from, expires_at or NEVER
        sums[key] = sums.get(key, 0) + points
    return tuple(Waiting(a, None if e == NEVER else e, sums[a, e]) for a, e in sorted(sums) if sums[a, e])
