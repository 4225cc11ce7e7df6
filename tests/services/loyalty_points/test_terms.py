"""How many points an amount is worth."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.money import LARGEST
from services.loyalty_points.earning import MOST
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from services.loyalty_points.worth import BASE, Circumstances, Sold, worth
from tests.services.loyalty_points.books import Books
from tests.services.stories import customer, joining, sale

RATES = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,6})?", fullmatch=True)


@settings(deadline=None)
@given(RATES, st.integers(1, 1_000_000), st.integers(-LARGEST, LARGEST))
def test_points_are_exact_rounded_down_and_never_below_zero(rate: str, minor_per_unit: int, left_minor: int) -> None:
    terms = Terms(points_per_unit=rate, minor_per_unit=minor_per_unit)
    known = Circumstances("TOR1", "America/Toronto", date(2026, 3, 1), datetime(2026, 3, 1, 15, tzinfo=UTC))
    points = worth(terms, known, {1: Sold(left_minor)}, {1: left_minor}).get(BASE, 0)
    exact = max(0, left_minor) * Fraction(rate) / minor_per_unit
    assert points == min(MOST, exact.numerator // exact.denominator)


@pytest.mark.parametrize("rate", ["-1", "1e3", ".5", "1.", "", "NaN", "1000", "٣"])
def test_a_rate_is_a_plain_decimal(rate: str) -> None:
    with pytest.raises(ValidationError):
        Terms(points_per_unit=rate)


def test_a_unit_has_minor_units() -> None:
    with pytest.raises(ValidationError):
        Terms(minor_per_unit=0)


def test_an_account_can_be_read_however_large_a_number_tills_have_told() -> None:
    mei, most = customer(1), {"name": "more", "extra": 1_000_000}
    terms = Terms.model_validate({"expiry": Never(), "minor_per_unit": 1, "earning": {"bonuses": [most]}})
    sold = [sale(str(number), (mei, LARGEST)) for number in range(20)]
    books = Books(terms=terms).hear([*sold, joining(sold[0], mei)])
    assert books.accounts[mei].earned == 20 * (MOST + 1_000_000)
    assert [type(event).model_validate_json(event.model_dump_json()) for event in books.entries[mei]]
