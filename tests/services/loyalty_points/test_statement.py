"""A statement adds up: what there was, what came and went, what is left; line by line, in any period."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contracts.loyalty_points import PointsExpired
from services.loyalty_points import domain
from services.loyalty_points.domain import AwardPoints, ExpirePoints
from services.loyalty_points.domain.known import known_by
from services.loyalty_points.lifetime import Never
from services.loyalty_points.standing import stood
from services.loyalty_points.statement import period
from services.loyalty_points.statement.period import Line, Statement, statement
from services.loyalty_points.statement.rendering import HERE, page
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.acts import BEGIN, Tale, tales
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.chronicle import chronicle, known
from tests.services.loyalty_points.spending import DAY, MEI, MONDAY, redeem, told, with_points
from tests.services.stories import joining, refund, sale
from tests.words import catalogs, idle, unequal, unknown

MARCH = date(2026, 3, 1), date(2026, 3, 31)
FROM = BEGIN.date() - timedelta(days=2)


def adds_up(tale: Tale, first: int, days: int) -> None:
    """Hold when a statement's lines lead from its opening to what stood in the end; raise AssertionError."""
    told = chronicle(tale)
    now = max(told.answered)
    first_on = FROM + timedelta(days=first)
    made = statement(told.told, first_on, first_on + timedelta(days=days), now)
    assert made.opening + sum(line.points for line in made.lines) == made.closing
    assert [line.after for line in made.lines][-1:] in ([], [made.closing])
    stands = stood(known_by(told.told, now), made.ends_at)
    there_is = stands["available"] + stands["pending"] + stands["reserved"] - stands["debt"]
    assert made.closing == there_is
    assert sum(points for _, points in made.lots) == stands["available"] + stands["pending"]


def tale_of(examples: int) -> Callable[[], None]:
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(tales(), st.integers(0, 16), st.integers(0, 20))
    def told(tale: Tale, first: int, days: int) -> None:
        adds_up(tale, first, days)

    return told


def test_the_lines_of_any_period_lead_from_what_there_was_to_what_is_left() -> None:
    tale_of(400)()


def all_but_the_first(lines: Callable[..., list[Line]]) -> Callable[..., list[Line]]:
    return lambda *asked: lines(*asked)[1:]


def test_a_line_that_is_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(period, "_lines", all_but_the_first(period._lines))
    with pytest.raises(AssertionError):
        tale_of(400)()


def of_march(books: Books) -> Statement:
    return statement(known(books.entries[MEI], books), *MARCH, books.now)


def in_words(made: Statement) -> list[tuple[int, str, int, int, str | None, str | None]]:
    return [(line.at.day, line.kind, line.points, line.after, line.branch, line.number) for line in made.lines]


def test_an_entry_names_branch_and_receipt_and_a_late_one_stands_on_its_own_day() -> None:
    books = Books(now=MONDAY + 9 * DAY, terms=Terms(expiry=Never()))
    first, late = sale("11", (MEI, 2_000), at=MONDAY), sale("7", (MEI, 500), at=MONDAY + DAY, branch="TOR2")
    books.hear([first, joining(first, MEI), refund(first, (1, 600, 1_400), at=MONDAY + 2 * DAY)])
    told(books, redeem(books, 4))
    books.hear([late])
    made = of_march(books)
    assert in_words(made)[:3] == [
        (2, "earned", 20, 20, "TOR1", "11"),
        (3, "earned", 5, 25, "TOR2", "7"),
        (4, "taken_back", -6, 19, "TOR1", "11"),
    ]
    assert [(line.kind, line.points, line.after) for line in made.lines[3:]] == [("redeemed", -4, 15)]
    assert (made.opening, made.closing, dict(made.left)["available"]) == (0, 15, 15)


def test_what_expires_is_told_of_its_day_whether_or_not_the_ledger_has_told_it() -> None:
    books = with_points()
    told(books, redeem(books, 3))
    books.now = MONDAY + 11 * DAY
    lines = [(line.at.day, line.points) for line in of_march(books).lines if line.kind == "expired"]
    assert lines == [(12, -7), (13, -10)]
    assert isinstance(books.handle(ExpirePoints(at=books.now, customer_id=MEI))[0], PointsExpired)
    assert [(one.at.day, one.points) for one in of_march(books).lines if one.kind == "expired"] == lines


def test_a_period_that_is_not_over_ends_now() -> None:
    books = with_points()
    made = of_march(books)
    assert (made.ends_at, made.closing, made.sums["expired"]) == (books.now, 30, 0)
    assert [points for _, points in made.lots] == [10, 10, 10]


def test_the_page_says_the_same_in_both_languages() -> None:
    assert unequal(catalogs(HERE)) == unknown(HERE) == idle(HERE) == []
    books = with_points()
    made = replace(of_march(books), ends_at=datetime(2026, 3, 5, 20, tzinfo=UTC))
    chinese, english = (page(made, "7", language) for language in ("zh_CN", "en"))
    for text, words in (
        (chinese, ("积分对账单", "2026年3月31日", "消费获得")),
        (english, ("Points statement", "Earned")),
    ):
        assert all(word in text for word in words)
        assert text.count("TOR1") == 6
        assert text.count("+10<") == 3


def test_what_an_act_earned_is_called_so_and_no_purchase() -> None:
    books = with_points()
    place: dict[str, Any] = {"branch": "TOR1", "zone": "America/Toronto", "on": books.now.date()}
    act = AwardPoints(at=books.now, customer_id=MEI, act="referral", act_id="li", reason="thanks", **place)
    entries = [*books.entries[MEI], *domain.decide(act, books.accounts[MEI])]
    made = statement(known(entries, books), *MARCH, books.now)
    assert in_words(made)[-1] == (5, "awarded", 200, 230, "TOR1", None)
    assert made.sums["earned"] == 230
    for language, purchase, reward in (("zh_CN", "消费获得", "活动奖励"), ("en", "<td>Earned<", "Activity reward")):
        text = page(made, "7", language)
        assert (text.count(purchase), text.count(reward)) == (3, 1)


def test_what_a_till_calls_a_receipt_cannot_put_markup_on_the_page() -> None:
    books = Books(now=MONDAY + DAY, terms=Terms(expiry=Never()))
    nasty = sale("<img src=x>{{ 7 * 7 }}", (MEI, 2_000), at=MONDAY)
    books.hear([nasty, joining(nasty, MEI)])
    text = page(of_march(books), "7", "en")
    assert "<img" not in text
    assert "&lt;img src=x&gt;{{ 7 * 7 }}" in text
