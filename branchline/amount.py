"""Decimal text to whole minor units of a currency and back. Pure; no float is ever made."""

import re
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")


class NotAnAmount(ValueError):
    """The text is no amount of this currency; the message says why."""


def decimal(text: str) -> Decimal:
    """Return the number that plain decimal text names: no exponent, no thousands, no blanks inside."""
    plain = text.strip()
    if not _DECIMAL.fullmatch(plain):
        raise NotAnAmount(f"{text!r} is not a decimal number")
    return Decimal(plain)


def minor_per_unit(currency: str) -> int:
    """Return how many minor units make one of the currency: 100 for CAD, 1 for JPY."""
    return int(10 ** get_currency_precision(currency))


def to_minor(text: str, currency: str) -> int:
    """Return an amount in minor units; text that is finer than one minor unit is refused."""
    minor = decimal(text) * minor_per_unit(currency)
    if minor != minor.to_integral_value():
        raise NotAnAmount(f"{text!r} is finer than the smallest unit of {currency}")
    return int(minor)


def rounded_minor(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units, halves away from zero: for sums of parts that are finer (taxes)."""
    return int((amount * minor_per_unit(currency)).to_integral_value(ROUND_HALF_UP))


def shown(minor: int, currency: str) -> str:
    """Return minor units as people read them: 115,809.03."""
    places = get_currency_precision(currency)
    return f"{Decimal(minor).scaleb(-places):,.{places}f}"
