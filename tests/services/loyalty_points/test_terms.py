"""How many points an amount is worth."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.money import LARGEST
from services.loyalty_points.terms import Terms
from services.loyalty_points.worth import BASE, Circumstances, Sold, worth

RATES = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,6})?", fullmatch=True)


@given(RATES, st.integers(1, 1_000_000), st.integers(-LARGEST, LARGEST))
def test_points_are_exact_rounded_down_and_never_below_zero(rate: str, minor_per_unit: int, left_minor: int) -> None:
    terms = Terms(points_per_unit=rate, minor_per_unit=minor_per_unit)
    known = Circumstances("TOR1", "America/Toronto", date(2026, 3, 1), datetime(2026, 3, 1, 15, tzinfo=UTC))
    points = worth(terms, known, {1: Sold(left_minor)}, {1: left_minor}).get(BASE, 0)
    exact = max(0, left_minor) * Fraction(rate) / minor_per_unit
    assert points == min(LARGEST, exact.numerator // exact.denominator)


@pytest.mark.parametrize("rate", ["-1", "1e3", ".5", "1.", "", "NaN", "1000", "٣"])
def test_a_rate_is_a_plain_decimal(rate: str) -> None:
    with pytest.raises(ValidationError):
        Terms(points_per_unit=rate)


def test_a_unit_has_minor_units() -> None:
    with pytest.raises(ValidationError):
        Terms(minor_per_unit=0)
