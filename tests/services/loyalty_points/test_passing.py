"""What stood on any day is told the same ever after, whoever became one with her and went back since.

Each story is lived day by day: what the account was then is kept, and asked again of the entries when all is over.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID, uuid5

import pytest

from services.loyalty_points.domain import (
    Account,
    AccountEvent,
    CapturePoints,
    ExpirePoints,
    ForgiveDebt,
    HoldPoints,
    ReleaseHold,
    ReverseRedemption,
)
from services.loyalty_points.domain.hindsight import FIGURES
from services.loyalty_points.domain.known import Known
from services.loyalty_points.domain.lots import is_alive
from services.loyalty_points.explaining import explained
from services.loyalty_points.lifetime import AfterDays, Never
from services.loyalty_points.standing import standing, stood
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books, News
from tests.services.loyalty_points.persons import check_books, check_told
from tests.services.loyalty_points.test_merging import LI, MEI, MONDAY, WU, merge, redeem, split
from tests.services.stories import joining, refund, sale

IDS = (MEI, LI, WU)
DAY = timedelta(days=1)
FOR_EVER, FOR_TEN_DAYS = Terms(expiry=Never()), Terms(expiry=AfterDays(days=10))
AFTER_A_WEEK = Terms(expiry=Never(), pending_days=7)

Act: TypeAlias = Callable[[Books], object]
Story: TypeAlias = Sequence[tuple[int, Act]]


def day(number: int) -> datetime:
    return MONDAY + number * DAY


def heard(*news: News) -> Act:
    return lambda books: books.hear(news)


def spent(who: UUID, points: int, name: str) -> Act:
    return lambda books: redeem(books, who, points, name)


def reversed_(who: UUID, name: str) -> Act:
    return lambda books: books.handle(
        ReverseRedemption(at=books.now, customer_id=who, redemption_id=uuid5(LI, name), reason="wrong-gift")
    )


def held(who: UUID, points: int, name: str, days: int = 90) -> Act:
    return lambda books: books.handle(
        HoldPoints(at=books.now, customer_id=who, hold_id=uuid5(MEI, name), points=points, until=books.now + days * DAY)
    )


def captured(who: UUID, points: int, name: str) -> Act:
    return lambda books: books.handle(
        CapturePoints(at=books.now, customer_id=who, hold_id=uuid5(MEI, name), points=points)
    )


def released(who: UUID, name: str) -> Act:
    return lambda books: books.handle(ReleaseHold(at=books.now, customer_id=who, hold_id=uuid5(MEI, name)))


def forgiven(who: UUID, points: int, name: str) -> Act:
    return lambda books: books.handle(
        ForgiveDebt(at=books.now, customer_id=who, forgiveness_id=uuid5(MEI, name), points=points, reason="our-mistake")
    )


def expired(who: UUID) -> Act:
    return lambda books: books.handle(ExpirePoints(at=books.now, customer_id=who))


HERS, LIS, WUS = (sale(str(n), (who, 10_000 - 3_000 * n), at=day(0)) for n, who in enumerate(IDS))  # 100, 70, 40
BEGINNING: Story = [(0, heard(HERS, LIS, WUS, joining(HERS, MEI), joining(LIS, LI), joining(WUS, WU)))]
ONE, ALL = merge(MEI, LI, day(5)), merge(LI, WU, day(7))

SPENDS_AND_HOLDS: Story = [
    *BEGINNING,
    (1, held(MEI, 20, "before")),
    (1, spent(MEI, 30, "hers")),
    (2, heard(refund(HERS, (1, 1_000, 9_000), at=day(2)))),
    (5, heard(ONE)),
    (6, heard(sale("3", (MEI, 3_000), at=day(6)))),
    (6, spent(LI, 50, "theirs")),
    (7, held(LI, 10, "since")),
    (8, captured(LI, 15, "before")),
    (9, heard(refund(HERS, (1, 500, 8_500), at=day(9)))),
    (20, heard(split(ONE, day(20)))),
    (21, released(LI, "since")),
    (22, reversed_(LI, "theirs")),
    (23, heard(sale("4", (MEI, 1_000), at=day(23)), sale("5", (LI, 2_000), at=day(23)))),
    (24, spent(MEI, 5, "again")),
]
HOLDS_OF_BEFORE_GO_BACK: Story = [
    *BEGINNING,
    (1, held(MEI, 20, "goes back")),
    (1, held(LI, 15, "stays")),
    (2, held(MEI, 10, "lapses", days=10)),
    (5, heard(ONE)),
    (6, held(LI, 5, "since")),
    (20, heard(split(ONE, day(20)))),
    (21, captured(MEI, 20, "goes back")),
    (22, released(LI, "stays")),
    (22, captured(LI, 5, "since")),
]
OWES: Story = [
    *BEGINNING,
    (1, spent(MEI, 90, "hers")),
    (1, spent(LI, 70, "his")),
    (2, heard(refund(HERS, (1, 10_000, 0), at=day(2)))),
    (2, forgiven(MEI, 7, "first")),
    (3, heard(refund(LIS, (1, 7_000, 0), at=day(3)))),
    (5, heard(ONE)),
    (6, heard(sale("3", (LI, 6_000), at=day(6)))),
    (7, forgiven(LI, 3, "second")),
    (20, heard(split(ONE, day(20)))),
    (22, heard(sale("4", (MEI, 2_000), at=day(22)))),
    (23, heard(sale("5", (LI, 2_000), at=day(23)))),
    (24, forgiven(MEI, 2, "third")),
]
PAYS_ANOTHERS_DEBT: Story = [
    *BEGINNING,
    (1, spent(LI, 60, "his")),
    (2, heard(refund(LIS, (1, 7_000, 0), at=day(2)))),
    (5, heard(ONE)),
    (8, heard(sale("3", (MEI, 2_500), at=day(8)))),
    (20, heard(split(ONE, day(20)))),
    (22, heard(sale("4", (LI, 1_000), at=day(22)))),
]
IS_THREE_AT_ONCE: Story = [
    *BEGINNING,
    (1, held(MEI, 20, "hers")),
    (5, heard(ONE)),
    (6, spent(LI, 30, "theirs")),
    (7, heard(ALL)),
    (8, heard(sale("3", (MEI, 1_000), at=day(8)), sale("4", (LI, 2_000), at=day(8)))),
    (9, spent(WU, 75, "of all")),
    (20, heard(split(ALL, day(20)))),
    (21, spent(LI, 10, "of two")),
    (25, heard(split(ONE, day(25)))),
    (26, heard(sale("5", (MEI, 1_000), at=day(26)))),
]
COMES_TOGETHER_AGAIN: Story = [
    *BEGINNING,
    (5, heard(ONE)),
    (6, spent(LI, 60, "theirs")),
    (8, heard(split(ONE, day(8)))),
    (9, heard(merge(MEI, WU, day(9)))),
    (10, heard(merge(LI, WU, day(10)))),
    (11, spent(WU, 20, "of all")),
    (15, heard(split(merge(MEI, WU, day(9)), day(15)))),
    (16, reversed_(WU, "theirs")),
    (20, heard(split(merge(LI, WU, day(10)), day(20)))),
]
RUNS_OUT: Story = [
    *BEGINNING,
    (5, heard(ONE)),
    (6, heard(sale("3", (MEI, 1_000), at=day(6)))),
    (12, expired(LI)),
    (14, heard(split(ONE, day(14)))),
    (20, expired(MEI)),
]
WAITS: Story = [
    *BEGINNING,
    (3, heard(sale("3", (MEI, 3_000), at=day(3)), sale("4", (LI, 2_000), at=day(3)))),
    (5, heard(ONE)),
    (6, heard(sale("5", (MEI, 1_000), at=day(6)))),
    (8, spent(LI, 60, "theirs")),
    (9, heard(split(ONE, day(9)))),
    (11, held(MEI, 5, "hers")),
    (20, spent(LI, 10, "his")),
]
STORIES = (SPENDS_AND_HOLDS, HOLDS_OF_BEFORE_GO_BACK, OWES, PAYS_ANOTHERS_DEBT, IS_THREE_AT_ONCE, COMES_TOGETHER_AGAIN)


@pytest.mark.parametrize("story", STORIES)
def test_what_stood_on_any_day_is_told_the_same_when_all_is_over(story: Story) -> None:
    _lived(story, FOR_EVER)


def test_what_ran_out_while_they_were_one_went_back_as_run_out() -> None:
    _lived(RUNS_OUT, FOR_TEN_DAYS)


def test_what_waits_while_they_become_one_waits_as_long_whosever_it_is() -> None:
    _lived(WAITS, AFTER_A_WEEK)


def _lived(story: Story, terms: Terms) -> None:
    books, stands = Books(now=MONDAY, terms=terms), dict[tuple[datetime, UUID], dict[str, object]]()
    for on, act in story:
        books.now = max(day(on), books.now + timedelta(seconds=1))
        act(books)
        check_told(books, IDS)
        for who in IDS:
            check_books(books, who)
            if (account := books.accounts.get(who, Account())).moved_to is None:
                stands[books.now, who] = standing(account, books.now)
                _is_explained(books, who)
    for (at, who), then in stands.items():
        now = stood(_told(books), at, who)
        assert {name: now[name] for name in FIGURES} == {name: then[name] for name in FIGURES}, (at, who)


def _told(books: Books) -> list[Known]:
    """Return the entries of all, each named by whose it is."""
    return [Known(event, str(who), books.now, who) for who, event in books.log if isinstance(event, AccountEvent)]


def _is_explained(books: Books, who: UUID) -> None:
    """Every figure is the sum of its parts; each names its lot, whose that was, and how another's came to be hers."""
    made = {figure: explained(_told(books), figure, books.now, who) for figure in FIGURES}
    assert all(sum(part["points"] for part in one["parts"]) == one["points"] for one in made.values())
    left = [part["lot"] for figure in ("available", "pending") for part in made[figure]["parts"]]
    alive = [lot for lot in books.lots.get(who, {}).values() if lot.rest and is_alive(lot.expires_at, books.now)]
    assert {(lot["lot_id"], lot["origin"]) for lot in left} == {(lot.lot_id, lot.origin) for lot in alive}
    of_others = [part for one in made.values() for part in one["parts"] if part["event"]["id"] != str(who)]
    assert all(part["moved_by"] for part in of_others)
