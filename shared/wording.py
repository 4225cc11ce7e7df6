"""A page's words, money, numbers and times in a reader's language. Pure, but for reading each catalog once.

A page has a folder with a catalog for each language; the keys are its own.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

PRESET = "zh_CN"
LANGUAGES = {"zh_CN": "中文", "en": "English"}


@dataclass(frozen=True)
class Words:
    """A language of LANGUAGES: its catalog, and how it writes what is not words. `currency` is the chain's."""

    language: str
    locale: Locale
    catalog: Mapping[str, str]
    currency: str | None = None

    @property
    def tag(self) -> str:
        """Return the language as HTML names it."""
        return self.language.replace("_", "-")

    def __call__(self, key: str, **facts: Any) -> str:
        """Return the words under a key; raise KeyError where the catalog has none."""
        return self.catalog[key].format(**facts)

    @property
    def digits(self) -> int:
        """Return how many digits the currency's minor units make."""
        return get_currency_precision(self.currency) if self.currency else 0

    def money(self, minor: int) -> str:
        """Return an amount of minor units in the chain's currency; without one, as a plain number of minor units."""
        if self.currency is None:
            return self.number(minor)
        amount = Decimal(minor).scaleb(-self.digits)
        return str(format_currency(amount, self.currency, locale=self.locale))

    def number(self, number: float) -> str:
        """Return a number, grouped."""
        return str(format_decimal(number, locale=self.locale))

    def percent(self, part: int, whole: int) -> str:
        """Return what share of the whole a part is."""
        return str(format_percent(part / whole if whole > 0 else 0, format="#,##0.0%", locale=self.locale))

    def day(self, day: date, form: str = "full") -> str:
        """Return a day: full, long, medium or short."""
        return format_date(day, form, locale=self.locale)

    def brief_day(self, day: date) -> str:
        """Return month and day, for an axis."""
        return format_date(day, "M/d", locale=self.locale)

    def clock(self, at: datetime, zone: str = "UTC", *, seconds: bool = False) -> str:
        """Return the time of day on the clocks of a zone."""
        return format_time(at, "HH:mm:ss" if seconds else "HH:mm", tzinfo=_zone(zone), locale=self.locale)

    def zone(self, at: datetime, zone: str) -> str:
        """Return how far a zone's clocks are from UTC at a time."""
        offset = at.astimezone(_zone(zone)).utcoffset() or timedelta()
        minutes = round(offset.total_seconds() / 60)
        hours, rest = divmod(abs(minutes), 60)
        return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")

    def moment(self, at: datetime) -> str:
        """Return day and time, UTC."""
        return format_datetime(at, "yyyy-MM-dd HH:mm 'UTC'", tzinfo=ZoneInfo("UTC"), locale=self.locale)

    def ago(self, since: datetime, now: datetime) -> str:
        """Return how long ago something was."""
        seconds = max(0, round((now - since).total_seconds()))
        for key, size, most in (("seconds", 1, 90), ("minutes", 60, 90 * 60), ("hours", 3600, 48 * 3600)):
            if seconds < most:
                return self(f"{key}_ago", count=self.number(seconds // size))
        return self("days_ago", count=self.number(seconds // 86_400))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=64)
def words(folder: Path, language: str, currency: str | None = None) -> Words:
    """Return the words of a folder in one of LANGUAGES."""
    catalog = tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))
    return Words(language, Locale.parse(language), catalog, currency)


def choose(asked: str | None, kept: str | None, accepted: str) -> str:
    """Return the language: what is asked for, was chosen before, is best by an Accept-Language header, or PRESET."""
    for language in (asked, kept):
        if language in LANGUAGES:
            return language
    return negotiate_locale(_accepted(accepted), list(LANGUAGES)) or PRESET


def _accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header, the most wanted first."""
    wanted: list[tuple[float, str]] = []
    for entry in header.split(","):
        tag, _, weight = entry.partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.strip().replace("-", "_")))
        except ValueError:
            continue
    return [tag for _, tag in sorted(wanted, key=lambda pair: pair[0]) if tag]
