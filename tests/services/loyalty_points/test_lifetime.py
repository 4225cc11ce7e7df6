"""When points begin and end, by the calendar and the clocks of the branch."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from services.loyalty_points.lifetime import AfterDays, AfterMonths, AtYearEnd, Expiry, Never, active_from, expires_at
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import Terms
from services.loyalty_points.worth import Sold
from tests.services.stories import sale

TORONTO, SHANGHAI = "America/Toronto", "Asia/Shanghai"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("on", "zone", "expiry", "over_at"),
    [
        (date(2026, 3, 1), TORONTO, AtYearEnd(), utc(2027, 1, 1, 5)),
        (date(2026, 12, 31), SHANGHAI, AtYearEnd(), utc(2026, 12, 31, 16)),
        (date(2027, 1, 1), SHANGHAI, AtYearEnd(), utc(2027, 12, 31, 16)),
        (date(2026, 3, 7), TORONTO, AfterDays(days=1), utc(2026, 3, 9, 4)),  # clocks go forward on the 8th
        (date(2026, 3, 6), TORONTO, AfterDays(days=1), utc(2026, 3, 8, 5)),
        (date(2026, 10, 31), TORONTO, AfterDays(days=1), utc(2026, 11, 2, 5)),  # and back on 1 November
        (date(2028, 2, 28), TORONTO, AfterDays(days=1), utc(2028, 3, 1, 5)),  # good on the 29th
        (date(2027, 3, 1), SHANGHAI, AfterDays(days=366), utc(2028, 3, 1, 16)),
        (date(2028, 2, 29), TORONTO, AfterMonths(months=12), utc(2029, 3, 1, 5)),
        (date(2028, 1, 31), TORONTO, AfterMonths(months=1), utc(2028, 3, 1, 5)),  # all of February
        (date(2026, 1, 15), TORONTO, AfterMonths(months=0), utc(2026, 2, 1, 5)),
        (date(2026, 11, 30), TORONTO, AfterMonths(months=1), utc(2027, 1, 1, 5)),
        (
            date(2026, 4, 22),
            "Africa/Cairo",
            AfterDays(days=1),
            utc(2026, 4, 23, 22),
        ),  # a day that begins at one
        (date(9000, 12, 31), TORONTO, AtYearEnd(), utc(9001, 1, 1, 5)),
        (date(9001, 1, 1), TORONTO, AtYearEnd(), None),
        (date(9999, 12, 31), TORONTO, AtYearEnd(), None),
        (date(2026, 3, 1), TORONTO, Never(), None),
    ],
)
def test_points_end_at_the_start_of_a_local_day(on: date, zone: str, expiry: Expiry, over_at: datetime | None) -> None:
    assert expires_at(on, zone, expiry) == over_at


@pytest.mark.parametrize(
    ("on", "days", "begins_at"),
    [
        (date(2026, 3, 1), 0, None),
        (date(2026, 3, 1), 1, utc(2026, 3, 2, 5)),
        (date(2026, 3, 1), 14, utc(2026, 3, 15, 4)),
        (date(2028, 2, 28), 1, utc(2028, 2, 29, 5)),
        (date(9000, 12, 31), 1, utc(9001, 1, 1, 5)),
        (date(9001, 1, 1), 1, None),
        (date(9999, 12, 31), 366, None),
    ],
)
def test_points_begin_at_once_or_at_the_start_of_a_local_day(on: date, days: int, begins_at: datetime | None) -> None:
    assert active_from(on, TORONTO, days) == begins_at


@pytest.mark.parametrize(
    ("sold_at", "year"), [(utc(2027, 1, 1, 4, 59, 59), 2027), (utc(2027, 1, 1, 5), 2028), (utc(2026, 12, 31, 23), 2027)]
)
def test_what_is_sold_in_the_last_second_of_a_year_is_over_with_it(sold_at: datetime, year: int) -> None:
    sold = sale("1", (None, 100), at=sold_at, zone=TORONTO)
    receipt = Receipt(sold.sale_id, "TOR1", sold.zone, sold.on, sold.at, sold.order, {1: Sold(100)}, {1: 100})
    assert receipt.expires_at == utc(year, 1, 1, 5)


@pytest.mark.parametrize(
    "terms",
    [
        {"pending_days": -1},
        {"pending_days": 367},
        {"expiry": {"kind": "days", "days": 0}},
        {"expiry": {"kind": "days", "days": 367}},
        {"expiry": {"kind": "months", "months": -1}},
        {"expiry": {"kind": "someday"}},
        {"expiry": {}},
        {"notices_days": [7, 30]},
        {"notices_days": [7, 7]},
        {"notices_days": [0]},
    ],
)
def test_terms_that_the_calendar_cannot_keep_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Terms.model_validate(terms)


def test_points_end_with_the_year_unless_the_policy_says_otherwise() -> None:
    assert Terms().expiry == AtYearEnd()
    assert Terms().pending_days == 0
    assert Terms().notices_days == (30, 7)
