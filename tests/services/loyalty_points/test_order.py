"""Points depend on what happened, not on when or how often it is heard: in memory, then on Postgres."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.loyalty_points import domain
from services.loyalty_points.app import app
from services.loyalty_points.domain import Account, CountReceipt, StartEarning
from services.loyalty_points.reactions import react
from shared.decider import Domain
from shared.handling import Handler
from shared.message import Cause, Event, Issued
from shared.performing import perform
from shared.running import Running
from tests.services.loyalty_points.balances import check
from tests.services.loyalty_points.books import Books, Decide
from tests.services.stories import Story, customer, joining, sale, stories

MEI = customer(1)
CAUSE = Cause("story", "story")
REAL = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def story_of(decide: Decide, examples: int = 200) -> Callable[[], None]:
    @settings(max_examples=examples, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(stories(with_joinings=True))
    def told_in_any_order(story: Story) -> None:
        books = Books(decide=decide).hear(story.told)
        check(story, books.accounts, books.entries)

    return told_in_any_order


def forgets_what_waits(command: Any, account: Account) -> list[Any]:
    if isinstance(command, StartEarning):
        command = command.model_copy(update={"waiting": ()})
    return domain.decide(command, account)


def earns_as_often_as_told(command: Any, account: Account) -> list[Any]:
    if isinstance(command, CountReceipt):
        command = command.model_copy(update={"is_known": False})
    return domain.decide(command, account)


def joins_when_heard_last(command: Any, account: Account) -> list[Any]:
    if isinstance(command, StartEarning):
        account = replace(account, joined_order=None)
    return domain.decide(command, account)


def test_any_order_and_any_repeats_make_the_same_accounts() -> None:
    story_of(domain.decide)()


@pytest.mark.parametrize("planted", [forgets_what_waits, earns_as_often_as_told, joins_when_heard_last])
def test_a_planted_bug_is_seen(planted: Decide) -> None:
    with pytest.raises(AssertionError):
        story_of(planted, 1000)()


@REAL
@given(data=st.data())
async def test_on_postgres_random_batches_make_the_same_accounts(lasting_points: Running, data: st.DataObject) -> None:
    story = data.draw(stories(with_joinings=True)).among_others()
    issued = [Issued(command, CAUSE) for news in story.told for command in react(news)]
    while issued:
        size = data.draw(st.integers(1, len(issued)))
        batch, issued = issued[:size], issued[size:]
        await perform(lasting_points, batch)
    await check_books(lasting_points, story)


async def test_on_postgres_a_planted_bug_is_seen(lasting_points: Running) -> None:
    planted = replace(
        app.aggregates[0], domain=cast(Domain, SimpleNamespace(**vars(domain) | {"decide": forgets_what_waits}))
    )
    running = replace(lasting_points, handler=Handler((planted,), 12, "planted"))
    joined, waiting = sale("1", (MEI, 8200)), sale("2", (MEI, 500))
    story = Story((joined, waiting, joining(joined, MEI)), (0, 1, 2))
    await perform(running, [Issued(command, CAUSE) for news in story.told for command in react(news)])
    with pytest.raises(AssertionError):
        await check_books(running, story)


async def test_two_consumers_at_once_make_the_same_accounts(lasting_points: Running) -> None:
    for story in long_stories(4):
        issued = [[Issued(command, CAUSE) for command in react(news)] for news in story.told]
        sales = [batch for batch in issued if batch and isinstance(batch[0].command, CountReceipt)]
        await asyncio.gather(*(perform(lasting_points, batch) for batch in sales))
        await asyncio.gather(*(perform(lasting_points, batch) for batch in issued if batch))
        await check_books(lasting_points, story)


def long_stories(count: int) -> list[Story]:
    """Return stories with much in them, of customers of their own."""
    told: list[Story] = []

    @settings(max_examples=40, derandomize=True, database=None, phases=[Phase.generate])
    @given(stories(with_joinings=True))
    def collect(story: Story) -> None:
        told.append(story)

    collect()
    longest = sorted(told, key=lambda story: len(story.telling))[-count:]
    return [story.among_others() for story in longest]


async def check_books(running: Running, story: Story) -> None:
    accounts: dict[UUID, Account] = {}
    entries: dict[UUID, list[Event]] = {}
    async with running.pool.acquire() as tx:
        for who in story.customers:
            _, accounts[who] = await running.handler.state(tx, "account", who)
            entries[who] = [e.event for e in await running.handler.history(tx, "account", who)]
    check(story, accounts, entries)
