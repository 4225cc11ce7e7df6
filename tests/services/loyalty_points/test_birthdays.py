"""Bonuses in the month of a customer's birthday: by the branch's own day, as she had told it by the receipt's time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from contracts.membership import BirthdayMonthTold
from contracts.pos import SaleRecorded
from services.loyalty_points import domain
from services.loyalty_points.domain import Account, BirthdayMonthNoted, NoteBirthdayMonth
from services.loyalty_points.earning import Earning
from services.loyalty_points.guards import asking
from services.loyalty_points.guards.traits import Heard
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from shared.policy import Policies, PolicyPublished, Published
from tests.scenario import Scenario
from tests.services.loyalty_points.books import Books, Decide, News
from tests.services.loyalty_points.test_merging import MERGE, MERGED_AT
from tests.services.stories import customer, joining, refund, sale

MEI, LI = customer(1), customer(2)
DAY = timedelta(days=1)
MARCH, APRIL = 3, 4
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
LAST_NIGHT = datetime(2026, 4, 1, 3, 30, tzinfo=UTC)  # half past eleven on the last of March in Toronto
FIRST_NIGHT = datetime(2026, 4, 1, 4, 30, tzinfo=UTC)
DOUBLE = {"name": "birthday", "factor": "2", "birthday_month": True}


def terms(*bonuses: dict[str, Any]) -> Terms:
    return Terms(expiry=Never(), earning=Earning.model_validate({"bonuses": bonuses or [DOUBLE]}))


def month(which: int, at: datetime = MONDAY - DAY, who: Any = MEI) -> BirthdayMonthTold:
    return BirthdayMonthTold(at=at, customer_id=who, month=which)


def told(*news: News, of: Terms | None = None, decide: Decide = domain.decide) -> Books:
    return Books(decide=decide, now=MONDAY + 60 * DAY, terms=of or terms()).hear(news)


def by_rules(books: Books) -> dict[str, int]:
    """Return what Mei's receipts have earned by each rule, together."""
    all_earned = [receipt.earned for receipt in books.own(MEI)]
    rules = sorted({rule for earned in all_earned for rule in earned})
    return {rule: sum(earned.get(rule, 0) for earned in all_earned) for rule in rules}


def test_a_month_is_noted_as_of_its_own_time_and_once() -> None:
    note = NoteBirthdayMonth(at=MONDAY, customer_id=MEI, month=MARCH)
    Scenario(domain).when(note).then(BirthdayMonthNoted(at=MONDAY, customer_id=MEI, month=MARCH))
    Scenario(domain).when(note.model_copy(update={"is_known": True})).then()


@pytest.mark.parametrize(
    ("at", "branch", "zone", "which", "earned"),
    [
        (LAST_NIGHT, "TOR1", "America/Toronto", MARCH, {"base": 10, "bonus/birthday": 10}),
        (LAST_NIGHT, "TOR1", "America/Toronto", APRIL, {"base": 10}),
        (LAST_NIGHT, "PEK1", "Asia/Shanghai", MARCH, {"base": 10}),
        (LAST_NIGHT, "PEK1", "Asia/Shanghai", APRIL, {"base": 10, "bonus/birthday": 10}),
        (FIRST_NIGHT, "TOR1", "America/Toronto", MARCH, {"base": 10}),
        (FIRST_NIGHT, "TOR1", "America/Toronto", APRIL, {"base": 10, "bonus/birthday": 10}),
    ],
)
def test_her_month_ends_with_the_branchs_own_last_day(
    at: datetime, branch: str, zone: str, which: int, earned: dict[str, int]
) -> None:
    cut = sale("1", (MEI, 1_000), at=at, branch=branch, zone=zone)
    for news in permutations((month(which), cut, joining(cut, MEI))):
        assert by_rules(told(*news)) == earned


def test_who_has_told_no_month_or_another_customers_has_no_bonus() -> None:
    cut = sale("1", (MEI, 1_000), at=MONDAY)
    assert by_rules(told(cut, joining(cut, MEI), month(MARCH, who=LI))) == {"base": 10}


def test_a_month_holds_from_when_it_was_told_and_not_for_what_was_bought_before() -> None:
    before, after = sale("1", (MEI, 1_000), at=MONDAY), sale("2", (MEI, 700), at=MONDAY + 2 * DAY)
    for news in permutations((before, after, joining(before, MEI), month(MARCH, MONDAY + DAY))):
        assert by_rules(told(*news)) == {"base": 17, "bonus/birthday": 7}


def test_another_month_holds_from_when_it_was_told_in_whatever_order_all_is_heard() -> None:
    sales: Sequence[SaleRecorded] = [sale(str(day), (MEI, 100 * day), at=MONDAY + day * DAY) for day in (1, 3, 5)]
    changes: Sequence[News] = (month(MARCH), month(APRIL, MONDAY + 2 * DAY), month(MARCH, MONDAY + 4 * DAY))
    happened: Sequence[News] = (*sales, *changes)
    for news in permutations(happened):
        assert by_rules(told(joining(sales[0], MEI), *news, *changes)) == {"base": 9, "bonus/birthday": 6}


def test_a_month_that_is_heard_late_earns_once_more_and_says_by_which_rule() -> None:
    cut = sale("1", (MEI, 1_000), at=MONDAY)
    books = told(cut, joining(cut, MEI), month(MARCH), month(MARCH))
    earned = [event for event in books.entries[MEI] if isinstance(event, PointsEarned)]
    assert [(event.points, event.at, [(one.rule, one.points) for one in event.by]) for event in earned] == [
        (10, MONDAY, []),
        (10, MONDAY, [("bonus/birthday", 10)]),
    ]


def test_another_month_that_is_heard_late_takes_the_bonus_back() -> None:
    cut = sale("1", (MEI, 1_000), at=MONDAY)
    books = told(month(MARCH, MONDAY - 9 * DAY), cut, joining(cut, MEI), month(APRIL))
    (taken,) = (event for event in books.entries[MEI] if isinstance(event, PointsTakenBack))
    assert (taken.points, taken.corrected, [one.rule for one in taken.by]) == (10, 10, ["bonus/birthday"])
    assert books.accounts[MEI].available(books.now) == 10


def test_the_cap_is_first_come_first_served_by_the_receipts_time() -> None:
    capped = terms(DOUBLE | {"cap": {"points": 15, "per": "month"}})
    first, second = sale("1", (MEI, 1_000), at=MONDAY), sale("2", (MEI, 900), at=MONDAY + DAY)
    for news in permutations((first, second, joining(first, MEI), month(MARCH))):
        books = told(*news, of=capped)
        assert [receipt.earned for receipt in books.own(MEI)] == [
            {"base": 10, "bonus/birthday": 10},
            {"base": 9, "bonus/birthday": 5},
        ]


def test_a_refund_takes_the_bonus_of_what_is_given_back() -> None:
    cut = sale("1", (MEI, 1_000), at=MONDAY)
    for news in permutations((joining(cut, MEI), month(MARCH), refund(cut, (1, 400, 600)))):
        assert told(cut, *news).accounts[MEI].available(MONDAY + 60 * DAY) == 12


def test_until_a_merge_it_is_each_ones_own_month_and_from_it_on_that_of_the_one_who_stays() -> None:
    before, later = sale("1", (MEI, 1_000), at=MONDAY), sale("2", (MEI, 700), at=MERGED_AT + DAY)
    last = sale("3", (MEI, 100), at=datetime(2026, 4, 1, 15, tzinfo=UTC))
    news: Sequence[News] = (month(MARCH), month(APRIL, who=LI), MERGE, later, last)
    ends = {
        tuple(sorted(by.items()))
        for order in permutations(news)
        for books in [told(before, joining(before, MEI), *order)]
        for by in [{receipt.order: sum(receipt.earned.values()) for receipt in books.own(LI)}]
    }
    assert ends == {((before.order, 20), (later.order, 7), (last.order, 2))}


def dated(of: Terms) -> Policies:
    published = PolicyPublished(at=MONDAY, number=1, holds_from=MONDAY, terms=of.model_dump(mode="json"))
    return Policies(Published((published,)), Terms)


def test_receipts_are_asked_for_only_where_a_policy_looks_at_the_month() -> None:
    note, fresh = NoteBirthdayMonth(at=MONDAY, customer_id=MEI, month=MARCH), {0: Heard(False, None)}
    looking, other = dated(terms()), dated(terms({"name": "b", "factor": "2"}))
    ((_, asked),) = asking.receipts([note], looking, fresh)
    assert asked.customer_id == MEI
    assert asked.since
    assert asked.since <= MONDAY
    assert not list(asking.receipts([note], other, fresh))
    assert not list(asking.receipts([note], looking, {0: Heard(True, None)}))


def goes_by_utc(command: Any, account: Account) -> list[Any]:
    """A planted bug: the day is Greenwich's."""
    on = {"on": command.at.date()} if hasattr(command, "on") else {}
    return domain.decide(command.model_copy(update=on), account)


def test_a_ledger_that_goes_by_the_day_of_greenwich_is_seen() -> None:
    cut = sale("1", (MEI, 1_000), at=LAST_NIGHT)
    books = told(month(MARCH), cut, joining(cut, MEI), decide=goes_by_utc)
    assert by_rules(books) == {"base": 10}
