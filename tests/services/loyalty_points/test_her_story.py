"""The story of one customer: what she earns, spends, owes and loses in a year, what she is told of it, and why.

She goes to two branches; the till of one is offline. A dollar is a point until June, and two from July on.
"""

import re
from datetime import date, datetime
from typing import TypeAlias

import pytest

from contracts.loyalty_points import ExpiryNoticed, PointsExpired, PointsRedeemed
from services.loyalty_points.domain.known import known_by
from services.loyalty_points.explaining import explained
from services.loyalty_points.standing import stood
from services.loyalty_points.statement.period import Statement, statement
from services.loyalty_points.statement.rendering import page
from shared.errors import Rejected
from tests.services.loyalty_points.her_story import (
    LATER,
    OFFLINE,
    TORONTO,
    YEAR_IS_OVER,
    august,
    day,
    end_of_june,
    july,
    massage,
    ottawa_is_heard,
    september,
    spring,
    year_end,
)


def test_in_march_she_joins_with_a_cut_and_colour_for_180_dollars_and_has_180_points() -> None:
    assert spring().has == {"available": 180, "debt": 0}


def test_in_june_she_takes_a_massage_for_150_points_and_30_are_left() -> None:
    her = end_of_june()
    assert isinstance(her.last, PointsRedeemed)
    assert her.last.reward
    assert (her.last.reward.code, her.last.points, her.last.branch) == ("massage", 150, "TOR1")
    assert her.has == {"available": 30, "debt": 0}


def test_ottawas_till_was_offline_and_its_receipt_of_june_earns_by_junes_policy_in_july() -> None:
    her = ottawa_is_heard()
    assert (her.last.at, her.last.points, her.last.policy_version) == (day(6, 29), 45, 1)  # by July's it were 90
    assert her.has == {"available": 75, "debt": 0}  # 30 + 45
    assert her.hears(day(7, 4), OFFLINE).has == {"available": 75, "debt": 0}  # told again when the line is back


def test_the_colour_is_refunded_when_its_points_are_spent_and_45_are_owed() -> None:
    her = july()
    assert her.last.points == 120  # a point for each dollar of the colour
    assert [(part.branch, part.points) for part in her.last.lots] == [("TOR1", 30), ("OTT1", 45)]
    assert her.has == {"available": 0, "debt": 45}  # 120 - 30 - 45
    with pytest.raises(Rejected, match="not-enough-points"):
        her.does(massage(day(7, 7)))


def test_in_august_the_next_earning_repays_her_debt_and_the_rest_is_hers() -> None:
    her = august()
    assert (her.last.points, her.last.repaid, her.last.policy_version) == (60, 45, 2)  # 30 dollars, two points each
    assert her.has == {"available": 15, "debt": 0}
    assert september().has == {"available": 140, "debt": 0}  # 15 + 125 for 62.50


def test_in_december_she_is_told_of_140_points_spends_100_and_is_told_of_40() -> None:
    her = year_end()
    said = [known.event for known in her.told if isinstance(known.event, ExpiryNoticed)]
    assert [(one.days, one.points, one.expires_at) for one in said] == [(30, 140, YEAR_IS_OVER), (7, 40, YEAR_IS_OVER)]


def test_at_year_end_the_last_40_expire_and_nobody_owes_anything() -> None:
    her = year_end()
    assert isinstance(her.last, PointsExpired)
    assert (her.last.points, her.last.at) == (40, YEAR_IS_OVER)
    assert her.has == {"available": 0, "debt": 0}


Reason: TypeAlias = tuple[int, str, str, int]


def why(figure: str, as_of: datetime, known_at: datetime = LATER) -> tuple[int, list[Reason]]:
    """Return her figure of then, and its reasons: points, event, and whose receipt's points under which policy."""
    told = known_by(year_end().told, known_at)
    made = explained(told, figure, as_of)
    assert made["points"] == stood(told, as_of)[figure]
    by_id = {known.id: known.event for known in told}
    reasons = []
    for part in made["parts"]:
        event, lot = part["event"], part["lot"] or part["event"]
        assert (by_id[event["id"]].name, by_id[event["id"]].at) == (event["name"], event["at"])
        paper = f"{lot['receipt']['branch']} {lot['receipt']['number']}"
        reasons.append((part["points"], event["name"], paper, lot["policy_version"]))
    return made["points"], reasons


def test_why_she_had_30_points_on_2_july_as_was_known_then() -> None:
    assert why("available", day(7, 2), known_at=day(7, 2)) == (
        30,
        [(180, "PointsEarned", "TOR1 101", 1), (-150, "PointsRedeemed", "TOR1 101", 1)],
    )


def test_why_she_had_75_points_on_2_july_as_is_known_since_ottawa_was_heard() -> None:
    for known_at in (day(7, 3), LATER):
        assert why("available", day(7, 2), known_at) == (
            75,
            [
                (180, "PointsEarned", "TOR1 101", 1),
                (45, "PointsEarned", "OTT1 7", 1),
                (-150, "PointsRedeemed", "TOR1 101", 1),
            ],
        )


def test_why_she_owed_45_points_on_8_july_and_nothing_on_11_august() -> None:
    assert why("debt", day(7, 8)) == (45, [(45, "PointsTakenBack", "TOR1 101", 1)])
    assert why("debt", day(8, 11)) == (
        0,
        [(45, "PointsTakenBack", "TOR1 101", 1), (-45, "PointsEarned", "TOR1 160", 2)],
    )


def test_why_she_had_40_points_on_20_december() -> None:
    assert why("available", day(12, 20)) == (
        40,
        [(125, "PointsEarned", "OTT1 31", 2), (-85, "PointsRedeemed", "OTT1 31", 2)],
    )  # of the 100 that she spent the first 15 were of August's receipt


def stated(first_on: date, last_on: date) -> Statement:
    return statement(year_end().told, first_on, last_on, LATER)


def of_2026() -> Statement:
    return stated(date(2026, 1, 1), date(2026, 12, 31))


IN_2026 = [  # day, what, points, balance after, where
    ((3, 2), ("earned", 180, 180, "TOR1")),
    ((6, 29), ("earned", 45, 225, "OTT1")),  # on its own day, though it was heard in July
    ((6, 30), ("redeemed", -150, 75, "TOR1")),
    ((7, 6), ("taken_back", -120, -45, "TOR1")),
    ((8, 10), ("earned", 60, 15, "TOR1")),
    ((9, 5), ("earned", 125, 140, "OTT1")),
    ((12, 12), ("redeemed", -100, 40, "TOR1")),
]


def test_her_statement_of_the_year_leads_from_nothing_to_40_points_and_the_next_one_from_40_to_nothing() -> None:
    year, january = of_2026(), stated(date(2027, 1, 1), date(2027, 1, 5))
    days = [(at.month, at.day) for at in (one.at.astimezone(TORONTO) for one in year.lines)]
    lines = [(one.kind, one.points, one.after, one.branch) for one in year.lines]
    assert list(zip(days, lines, strict=True)) == IN_2026
    assert (year.opening, year.closing) == (0, 40)
    sums = {kind: points for kind, points in year.sums.items() if points}
    assert sums == {"earned": 410, "redeemed": -250, "taken_back": -120}
    assert [(lot.branch, points) for lot, points in year.lots] == [("OTT1", 40)]
    assert [(one.kind, one.points, one.after) for one in january.lines] == [("expired", -40, 0)]
    assert (january.opening, january.closing) == (40, 0)


@pytest.mark.parametrize(
    ("language", "title", "first_day", "good_through"),
    [
        ("en", "Points statement", "Mar 2, 2026", "Dec 31, 2026"),
        ("zh_CN", "积分对账单", "2026年3月2日", "2026年12月31日（含当日）"),
    ],
)
def test_her_page_says_so_in_both_languages(language: str, title: str, first_day: str, good_through: str) -> None:
    text = page(of_2026(), "7", language)
    assert f"<h1>{title}</h1>" in text
    sums = dict(re.findall(r'<dd id="(\w+)">([^<]*)</dd>', text))
    assert sums == {
        "opening": "0",
        "earned": "+410",
        "redeemed": "−250",
        "expired": "0",
        "taken_back": "−120",
        "closing": "40",
    }
    lots, lines = (part.split("</table>")[0] for part in re.split('<table id="(?:lots|lines)">', text)[1:])
    assert good_through in lots
    assert first_day in lines
    assert re.findall(r'<td class="amount">([^<]*)</td>', lots) == ["40"]
    assert re.findall(r'<td class="amount[^"]*">([^<]*)</td>\s*<td class="amount">([^<]*)</td>', lines) == [
        ("+180", "180"),
        ("+45", "225"),
        ("−150", "75"),
        ("−120", "-45"),
        ("+60", "15"),
        ("+125", "140"),
        ("−100", "40"),
    ]
