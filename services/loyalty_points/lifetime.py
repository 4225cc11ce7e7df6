"""When points begin and end, by the calendar of the branch that gave them. Pure; days are local, instants UTC."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

MOST_DAYS = 366
LAST_YEAR = 9000  # beyond it the calendar is too near its end: such points never expire


class _Expiry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AtYearEnd(_Expiry):
    """Points are over when the calendar year is (PTS-3)."""

    kind: Literal["year-end"] = "year-end"


class AfterDays(_Expiry):
    """Points are good for so many days after the day they were earned."""

    kind: Literal["days"] = "days"
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)]


class AfterMonths(_Expiry):
    """Points are good to the end of the month that comes so many after the one they were earned in."""

    kind: Literal["months"] = "months"
    months: Annotated[int, Field(ge=0, le=120)]


class Never(_Expiry):
    """Points stay."""

    kind: Literal["never"] = "never"


Expiry: TypeAlias = Annotated[AtYearEnd | AfterDays | AfterMonths | Never, Field(discriminator="kind")]


def start_of_day(on: date, zone: str) -> datetime:
    """Return the first instant of a local day: after midnight where clocks are put forward at midnight."""
    return datetime.combine(on, time.min, ZoneInfo(zone)).astimezone(UTC)


def active_from(on: date, zone: str, pending_days: int) -> datetime | None:
    """Return when points earned on a day can be spent; None is at once."""
    return start_of_day(on + timedelta(days=pending_days), zone) if pending_days and on.year <= LAST_YEAR else None


def expires_at(on: date, zone: str, expiry: Expiry) -> datetime | None:
    """Return the first instant at which points earned on a day are over; None is never."""
    over_on = _over_on(on, expiry)
    return start_of_day(over_on, zone) if over_on else None


def _over_on(on: date, expiry: Expiry) -> date | None:
    if on.year > LAST_YEAR:
        return None
    match expiry:
        case AtYearEnd():
            return date(on.year + 1, 1, 1)
        case AfterDays(days=days):
            return on + timedelta(days=days + 1)
        case AfterMonths(months=months):
            years, month = divmod(on.month + months, 12)
            return date(on.year + years, month + 1, 1)
        case Never():
            return None
