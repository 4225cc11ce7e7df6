"""The calendar's periods, within which something may be had so often. Pure; days are local."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Literal, TypeAlias

Period: TypeAlias = Literal["day", "week", "month", "year", "ever"]

FIRST, LAST = date(1900, 1, 1), date(9000, 12, 31)


def days_of(period: Period, on: date) -> tuple[date, date]:
    """Return the first and the last day of the period that a day is in; weeks begin on Monday."""
    match period:
        case "day":
            return on, on
        case "week":
            monday = on - timedelta(days=on.weekday())
            return monday, monday + timedelta(days=6)
        case "month":
            return on.replace(day=1), on.replace(day=monthrange(on.year, on.month)[1])
        case "year":
            return date(on.year, 1, 1), date(on.year, 12, 31)
        case "ever":
            return FIRST, LAST
