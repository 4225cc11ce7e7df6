"""Rates, tiers, birthdays, bonuses and caps: what a customer has earned does not depend on when anything is heard."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.loyalty_points import domain, receipt
from services.loyalty_points.domain import Account, CountReceipt, CountRefund, NoteBirthdayMonth, NoteTier
from services.loyalty_points.domain.hindsight import Hindsight
from services.loyalty_points.guards import asking
from services.loyalty_points.reactions import react
from services.loyalty_points.receipt import Receipt
from shared.message import Cause, Event, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.running import Running
from tests.services.loyalty_points.books import Books, Decide
from tests.services.loyalty_points.chronicle import known
from tests.services.loyalty_points.earning_stories import TERMS, check_rewards, rewarded_stories
from tests.services.stories import FIRST_DAY, Story

CAUSE = Cause("story", "story")
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]  # on a machine that has much to do
REAL = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=SLOW)


def story_of(decide: Decide, examples: int) -> Callable[[], None]:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=SLOW,
    )
    @given(rewarded_stories())
    def told_in_any_order(story: Story) -> None:
        books = Books(decide=decide, terms=TERMS).hear(story.told)
        check_rewards(story, books.accounts, books.entries)

    return told_in_any_order


def test_any_order_and_any_repeats_earn_the_same() -> None:
    story_of(domain.decide, 400)()


@settings(max_examples=150, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=SLOW)
@given(rewarded_stories())
def test_in_hindsight_corrections_add_up_to_what_the_account_has(story: Story) -> None:
    books = Books(terms=TERMS).hear(story.told)
    for who, account in books.accounts.items():
        seen = Hindsight(known(books.entries[who], books))
        for figure in ("earned", "taken_back", "debt"):
            assert seen.figure(figure, books.now) == getattr(account, figure)
        assert seen.figure("available", books.now) == account.available(books.now)


def forgets_late_tiers(command: Any, account: Account) -> list[Any]:
    if isinstance(command, NoteTier):
        command = command.model_copy(update={"receipts": ()})
    return domain.decide(command, account)


def gives_the_last_tier(command: Any, account: Account) -> list[Any]:
    if isinstance(command, NoteTier):
        command = command.model_copy(update={"until": None})
    return domain.decide(command, account)


def forgets_late_months(command: Any, account: Account) -> list[Any]:
    if isinstance(command, NoteBirthdayMonth):
        command = command.model_copy(update={"receipts": ()})
    return domain.decide(command, account)


def gives_the_last_month(command: Any, account: Account) -> list[Any]:
    if isinstance(command, NoteBirthdayMonth):
        command = command.model_copy(update={"until": None})
    return domain.decide(command, account)


def refunds_as_if_of_no_birthday(command: Any, account: Account) -> list[Any]:
    if isinstance(command, CountRefund) and command.receipt:
        command = command.model_copy(update={"receipt": replace(command.receipt, birthday_month=None)})
    return domain.decide(command, account)


def forgets_who_shares_a_cap(command: Any, account: Account) -> list[Any]:
    if isinstance(command, CountReceipt):
        command = command.model_copy(update={"others": ()})
    return domain.decide(command, account)


def refunds_as_if_of_no_tier(command: Any, account: Account) -> list[Any]:
    if isinstance(command, CountRefund) and command.receipt:
        command = command.model_copy(update={"receipt": replace(command.receipt, tier=None)})
    return domain.decide(command, account)


def makes_room(known: Receipt, _earned: object) -> int:
    """Work out what is left without the caps."""
    return sum(known._worth(known.left).values()) if known.earned else 0


@pytest.mark.parametrize(
    "planted",
    [
        forgets_late_tiers,
        gives_the_last_tier,
        refunds_as_if_of_no_tier,
        forgets_late_months,
        gives_the_last_month,
        refunds_as_if_of_no_birthday,
        forgets_who_shares_a_cap,
    ],
)
def test_a_planted_bug_is_seen(planted: Decide) -> None:
    with pytest.raises(AssertionError):
        story_of(planted, 1500)()


def test_a_refund_that_makes_room_below_a_cap_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt.Receipt, "keeps", makes_room)
    with pytest.raises(AssertionError):
        story_of(domain.decide, 1500)()


async def publish(running: Running) -> None:
    await perform_one(running, PublishPolicy(at=FIRST_DAY, terms=TERMS.model_dump(mode="json")), CAUSE)


async def check_books(running: Running, story: Story) -> None:
    accounts: dict[UUID, Account] = {}
    entries: dict[UUID, list[Event]] = {}
    async with running.pool.acquire() as tx:
        for who in story.customers:
            _, accounts[who] = await running.handler.state(tx, "account", who)
            entries[who] = [e.event for e in await running.handler.history(tx, "account", who)]
    check_rewards(story, accounts, entries)


async def keep(running: Running, story: Story, sizes: list[int]) -> None:
    issued = [Issued(command, CAUSE) for news in story.told for command in react(news)]
    for size in (*sizes, len(issued)):
        batch, issued = issued[:size], issued[size:]
        if batch:
            await perform(running, batch)
    await check_books(running, story)


@REAL
@given(story=rewarded_stories(), sizes=st.lists(st.integers(1, 9), max_size=9))
async def test_on_postgres_random_batches_earn_the_same(
    loyalty_points: Running, story: Story, sizes: list[int]
) -> None:
    await publish(loyalty_points)
    await keep(loyalty_points, story.among_others(), sizes)


async def test_on_postgres_a_window_that_forgets_who_shares_a_cap_is_seen(
    loyalty_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(loyalty_points)
    monkeypatch.setattr(asking, "_around", lambda _periods, first, last: (asking._midnight(first), FIRST_DAY))
    told: list[Story] = []

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=SLOW,
    )
    @given(rewarded_stories())
    def collect(story: Story) -> None:
        told.append(story)

    async def keep_all() -> None:
        for story in told:
            await keep(loyalty_points, story.among_others(), [])

    collect()
    with pytest.raises(AssertionError):
        await keep_all()
