"""A draft is rehearsed over what has been sold: what it would have given, to whom, and nothing of it is written."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from contracts.membership import BirthdayMonthTold
from services.loyalty_points.domain import Account
from services.loyalty_points.lifetime import AfterDays, Expiry, Never
from services.loyalty_points.reactions import react
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.rehearsal import Place, Rehearsal, Tally
from services.loyalty_points.routes import rehearsals
from services.loyalty_points.terms import Terms
from shared.message import Cause, Issued
from shared.performing import perform
from shared.policy import ALWAYS
from shared.running import Running
from shared.server import http
from shared.tokens import Tokens
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.earning_stories import TERMS, rewarded_stories
from tests.services.loyalty_points.test_domain import counted, receipt
from tests.services.stories import FIRST_DAY, Story, customer, joining, refund, sale

MEI, LI = customer(1), customer(2)
CAUSE = Cause("a test", "a test")
SLOW = [HealthCheck.too_slow]  # on a machine that has much to do
TODAY = FIRST_DAY + timedelta(days=300)
HALF_AS_MUCH_AGAIN = Terms(points_per_unit="1.5", expiry=Never())
COUNTED = "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM lot), (SELECT sum(kept) FROM receipt)"


def rehearsed(books: Books, rehearsal: Rehearsal) -> Rehearsal:
    for who, account in books.accounts.items():
        rehearsal.add(who, account, books.own(who))
    return rehearsal


@settings(max_examples=200, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=SLOW)
@given(rewarded_stories())
def test_a_rehearsal_says_what_the_draft_gives_when_it_is_published_before_all_sales(story: Story) -> None:
    before = Books(terms=Terms(expiry=Never())).hear(story.told)
    rehearsal = rehearsed(before, Rehearsal(TERMS, ALWAYS, TODAY))
    after = Books(terms=TERMS).hear(story.told)
    assert sum(tally.now for tally in rehearsal.places.values()) == sum(r.kept for r in before.receipts.values())
    assert sum(tally.then for tally in rehearsal.places.values()) == sum(r.kept for r in after.receipts.values())


def test_who_gains_who_loses_and_where() -> None:
    march, april = sale("1", (MEI, 1_000)), sale("2", (MEI, 500), at=FIRST_DAY + timedelta(days=40))
    lis = sale("3", (LI, 333), branch="TOR2")
    books = Books(terms=Terms(expiry=Never()))
    books.hear([march, joining(march, MEI), april, refund(april, (1, 100, 400)), lis, joining(lis, LI)])
    rehearsal = rehearsed(books, Rehearsal(HALF_AS_MUCH_AGAIN, ALWAYS, TODAY))
    assert rehearsal.places == {
        Place("TOR1", "", "2026-03"): Tally(1, 10, 15, 5),
        Place("TOR1", "", "2026-04"): Tally(1, 4, 6, 2),
        Place("TOR2", "", "2026-03"): Tally(1, 3, 4, 1),
    }
    assert rehearsal.customers == {"gain": 2}
    assert rehearsal.most == [(7, MEI), (1, LI)]


def test_a_draft_that_takes_has_losers_and_one_that_begins_later_leaves_what_was_before() -> None:
    first, second = sale("1", (MEI, 1_000)), sale("2", (MEI, 1_000), at=FIRST_DAY + timedelta(days=2))
    books = Books(terms=Terms(expiry=Never())).hear([first, joining(first, MEI), second])
    half = Terms(points_per_unit="0.5", expiry=Never())
    rehearsal = rehearsed(books, Rehearsal(half, FIRST_DAY + timedelta(days=1), TODAY))
    assert list(rehearsal.places.values()) == [Tally(1, 10, 5, -5)]
    assert (rehearsal.customers, rehearsal.most) == ({"lose": 1}, [(-5, MEI)])
    assert not rehearsed(books, Rehearsal(half, FIRST_DAY + timedelta(days=9), TODAY)).places


@pytest.mark.parametrize(
    ("they_were_good", "draft", "owed"),
    [
        (Never(), Terms(points_per_unit="2", expiry=AfterDays(days=200)), 0),  # ten more, which would be over by now
        (AfterDays(days=200), Terms(points_per_unit="2", expiry=Never()), 10),  # ten more, which would be good
        (AfterDays(days=200), Terms(points_per_unit="0", expiry=Never()), 0),  # ten less, of those that are over
        (Never(), Terms(points_per_unit="0", expiry=AfterDays(days=200)), -10),  # ten less, of those that are good
    ],
)
def test_points_that_are_over_by_now_are_not_owed(they_were_good: Expiry, draft: Terms, owed: int) -> None:
    first = sale("1", (MEI, 1_000))
    books = Books(terms=Terms(expiry=they_were_good)).hear([first, joining(first, MEI)])
    (tally,) = rehearsed(books, Rehearsal(draft, ALWAYS, TODAY)).places.values()
    assert (abs(tally.then - tally.now), tally.owed) == (10, owed)


def test_who_neither_gains_nor_loses_is_counted_and_not_named() -> None:
    rehearsal = Rehearsal(Terms(expiry=Never()), ALWAYS, TODAY)
    rehearsal.add(MEI, Account("a"), [counted(receipt("a", 700))])
    assert (rehearsal.customers, rehearsal.most) == ({"same": 1}, [])
    assert rehearsal.places == {Place("TOR1", "", "2026-03"): Tally(1, 7, 7)}


def test_ten_are_named_who_gain_or_lose_the_most() -> None:
    rehearsal = Rehearsal(HALF_AS_MUCH_AGAIN, ALWAYS, TODAY)
    for number in range(1, 13):
        rehearsal.add(customer(number), Account("a"), [counted(receipt("a", 200 * number))])
    loses = replace(counted(receipt("a", 200)), kept=23)
    rehearsal.add(LI, Account("a"), [loses])
    assert rehearsal.customers == {"gain": 12, "lose": 1}
    assert [points for points, _ in rehearsal.most] == [-20, 12, 11, 10, 9, 8, 7, 6, 5, 4]
    assert rehearsal.most[0] == (-20, LI)
    assert rehearsal.most[1] == (12, customer(12))


def test_a_draft_begins_with_the_receipt_of_its_very_second_and_by_tier() -> None:
    of_gold = replace(counted(receipt("b", 1_000)), tier="gold")
    earlier = replace(counted(receipt("a", 1_000)), sold_at=FIRST_DAY - timedelta(seconds=1))
    rehearsal = Rehearsal(HALF_AS_MUCH_AGAIN, FIRST_DAY, TODAY)
    rehearsal.add(MEI, Account("a"), [earlier, of_gold])
    assert rehearsal.places == {Place("TOR1", "gold", "2026-03"): Tally(1, 10, 15, 5)}
    rehearsal.add(MEI, Account("b"), [earlier, of_gold])
    rehearsal.add(LI, Account("c"), [earlier, of_gold])
    assert rehearsal.places == {Place("TOR1", "gold", "2026-03"): Tally(2, 20, 30, 10)}


def twice(cap: int | None) -> Terms:
    more = {"name": "more", "factor": "2"} | ({"cap": {"points": cap, "per": "ever"}} if cap else {})
    return Terms.model_validate({"expiry": Never(), "earning": {"bonuses": [more]}})


@pytest.mark.parametrize(("was", "then"), [(12, 12), (None, 20)])
def test_what_was_given_before_a_draft_holds_has_used_a_cap_where_it_had_one(was: int | None, then: int) -> None:
    given = {"earned": {"base": 10, "bonus/more": 10}, "kept": 20, "sold_at": FIRST_DAY - timedelta(days=1)}
    before = replace(counted(receipt("a", 1_000)), terms=twice(was), **given)  # type: ignore[arg-type]
    rehearsal = Rehearsal(twice(12), FIRST_DAY, TODAY)
    rehearsal.add(MEI, Account("a"), [before, counted(receipt("b", 1_000))])
    assert rehearsal.places == {Place("TOR1", "", "2026-03"): Tally(1, 10, then, then - 10)}


@pytest.fixture
async def selling(lasting_points: Running) -> AsyncIterator[Running]:
    """Yield the service over HTTP; five members of two receipts each, and somebody who is no member."""
    serving = asyncio.create_task(http(lasting_points))
    for number in range(6):
        who = uuid4()
        first, second = sale(f"{who} 1", (who, 1_000)), sale(f"{who} 2", (who, 333), at=FIRST_DAY + timedelta(days=40))
        for news in (first, second, *([joining(first, who)] if number else [])):
            await perform(lasting_points, [Issued(command, CAUSE) for command in react(news)])
    yield lasting_points
    lasting_points.stop.set()
    await serving


async def ask(running: Running, body: dict[str, Any], role: str = "headquarters") -> httpx2.Response:
    headers = {"authorization": f"Bearer {Tokens(running.settings).sign(role)}"}
    async with httpx2.AsyncClient(base_url=running.settings.address("loyalty-points"), trust_env=False) as client:
        return await client.post("/v1/rehearsals", json=body, headers=headers)


async def test_it_goes_from_page_to_page_and_writes_nothing(selling: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsals, "AT_ONCE", 3)
    before = await selling.pool.fetchrow(COUNTED)
    body: dict[str, Any] = {"terms": HALF_AS_MUCH_AGAIN.model_dump(mode="json")}
    sums, gain, pages = [0, 0, 0], 0, 0
    while True:
        told = (await ask(selling, body)).json()
        for one in told["places"]:
            sums = [was + one[name] for was, name in zip(sums, ("receipts", "now", "then"), strict=True)]
        gain, pages = gain + told["customers"]["gain"], pages + 1
        if told["next"] is None:
            break
        body["after"] = told["next"]
    assert (sums, gain) == ([10, 5 * 13, 5 * 19], 5)
    assert pages == 4  # six customers, two a page, and an empty one
    assert await selling.pool.fetchrow(COUNTED) == before


async def test_a_draft_for_birthdays_gives_to_whose_month_it_was_and_as_she_had_told_it(selling: Running) -> None:
    members = await selling.pool.fetch("SELECT id FROM stream WHERE state ->> 'joined_order' IS NOT NULL")
    mei, li, wu = (row["id"] for row in members[:3])
    after = FIRST_DAY + timedelta(days=41)
    for who, month, at in ((mei, 3, FIRST_DAY), (li, 3, FIRST_DAY), (li, 4, FIRST_DAY + timedelta(1)), (wu, 4, after)):
        news = BirthdayMonthTold(at=at, customer_id=who, month=month)
        await perform(selling, [Issued(command, CAUSE) for command in react(news)])
    bonus = {"name": "birthday", "factor": "2", "birthday_month": True}
    draft = Terms.model_validate({"expiry": Never(), "earning": {"bonuses": [bonus]}})
    told = (await ask(selling, {"terms": draft.model_dump(mode="json")})).json()
    assert told["customers"] == {"gain": 2, "lose": 0, "same": 3}
    most = {(one["customer_id"], one["difference"]) for one in told["most"]}
    assert most == {(str(mei), 10), (str(li), 13)}


async def test_what_is_wrong_has_its_code_and_only_operators_rehearse(selling: Running) -> None:
    wrong = {"earning": {"bonuses": [{"name": "b", "factor": "2", "from_time": "09:00Z"}]}}
    for body, role, status, code in (
        ({"terms": {"points_per_unit": "x"}}, "headquarters", 422, "terms-invalid"),
        ({"terms": wrong}, "headquarters", 422, "terms-invalid"),
        ({"terms": {}, "from": "yesterday"}, "headquarters", 422, "malformed"),
        ({"terms": {}, "after": "x"}, "headquarters", 422, "malformed"),
        ({"terms": {}, "tomorrow": 1}, "headquarters", 422, "malformed"),
        ({"terms": {}}, "staff", 403, "role-not-allowed"),
        ({"terms": {}}, "till", 403, "role-not-allowed"),
    ):
        answer = await ask(selling, body, role)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body


def test_the_rehearsal_is_the_ledgers_own_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    first = sale("1", (MEI, 1_000), at=datetime(2026, 3, 1, 15, tzinfo=UTC))
    books = Books(terms=Terms(expiry=Never())).hear([first, joining(first, MEI)])
    monkeypatch.setattr(Receipt, "keeps", lambda _self, earned: sum(earned.values()) + 7)
    assert list(rehearsed(books, Rehearsal(Terms(expiry=Never()), ALWAYS, TODAY)).places.values()) == [
        Tally(1, 10, 17, 7)
    ]
