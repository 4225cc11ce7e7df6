"""Members and tiers depend on what happened, not on when or how often it is heard: in memory, then on Postgres."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.membership import TierChanged
from services.membership import domain
from services.membership.app import app
from services.membership.customer import Customer
from services.membership.domain import CountSale
from services.membership.reactions import react
from services.membership.terms import Terms
from shared.decider import Domain
from shared.handling import Handler
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.policy import AGGREGATE, PublishPolicy
from shared.running import Running
from tests.services.membership.roll import Decide, Roll, check, terms
from tests.services.stories import FIRST_DAY, Joining, Story, TraitTold, customer, sale, stories

MEI = customer(1)
CAUSE = Cause("story", "story")
SOME_DAYS = terms(10)
FIFTEENTH = FIRST_DAY + timedelta(days=15)
EVER = terms(3660)
REAL = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def story_of(decide: Decide, examples: int = 200) -> Callable[[], None]:
    @settings(max_examples=examples, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(stories(with_joinings=False))
    def told_in_any_order(story: Story) -> None:
        roll = Roll(FIFTEENTH, SOME_DAYS, decide).hear(story.told)
        check(story, roll.customers, FIFTEENTH, SOME_DAYS)

    return told_in_any_order


def joins_when_heard_first(command: Any, known: Customer) -> list[Any]:
    return [e for e in domain.decide(command, known) if e.name != "MembershipMovedEarlier"]


def counts_as_often_as_told(command: Any, known: Customer) -> list[Any]:
    if isinstance(command, CountSale) and command.standing and command.standing.left:
        spend_minor = command.standing.spend_minor + sum(command.standing.left.values())
        command = command.model_copy(update={"standing": replace(command.standing, left=None, spend_minor=spend_minor)})
    return domain.decide(command, known)


def never_falls(command: Any, known: Customer) -> list[Any]:
    ranks = [tier.name for tier in SOME_DAYS.tiers]
    events = domain.decide(command, known)
    return [
        e for e in events if not (isinstance(e, TierChanged) and ranks.index(e.tier) < ranks.index(e.was or e.tier))
    ]


def test_any_order_and_any_repeats_make_the_same_members() -> None:
    story_of(domain.decide)()


@pytest.mark.parametrize("planted", [joins_when_heard_first, counts_as_often_as_told, never_falls])
def test_a_planted_bug_is_seen(planted: Decide) -> None:
    with pytest.raises(AssertionError):
        story_of(planted, 1000)()


@REAL
@given(data=st.data())
async def test_on_postgres_random_batches_make_the_same_members(membership: Running, data: st.DataObject) -> None:
    await publish(membership, EVER)
    story = data.draw(stories(with_joinings=False)).among_others()
    issued = commands(story)
    while issued:
        size = data.draw(st.integers(1, len(issued)))
        batch, issued = issued[:size], issued[size:]
        await perform(membership, batch)
    await check_roll(membership, story)


async def test_on_postgres_a_planted_bug_is_seen(membership: Running) -> None:
    await publish(membership, EVER)
    rules = SimpleNamespace(**vars(domain) | {"decide": joins_when_heard_first})
    planted = replace(app.aggregates[0], domain=cast(Domain, rules))
    running = replace(membership, handler=Handler((planted, AGGREGATE), 12, "planted"))
    story = Story((sale("2", (MEI, 20_000)), sale("1", (MEI, 20_000))), (0, 1))
    await perform(running, commands(story))
    with pytest.raises(AssertionError):
        await check_roll(running, story)


async def test_sales_of_one_customer_heard_at_once_all_count(membership: Running) -> None:
    await publish(membership, EVER)
    who = uuid4()
    story = Story(tuple(sale(str(number), (who, 9_000 + 100 * number)) for number in range(20)), tuple(range(20)))
    batches = [commands(replace(story, telling=(n, 19 - n))) for n in range(20)]
    await asyncio.gather(*(perform(membership, batch) for batch in batches))
    await check_roll(membership, story)


def commands(story: Story) -> list[Issued]:
    return [Issued(c, CAUSE) for news in story.told if not isinstance(news, Joining | TraitTold) for c in react(news)]


async def publish(running: Running, holding: Terms) -> None:
    await perform_one(running, PublishPolicy(at=datetime.now(UTC), terms=holding.model_dump(mode="json")), CAUSE)


async def check_roll(running: Running, story: Story) -> None:
    async with running.pool.acquire() as tx:
        customers = {who: (await running.handler.state(tx, "customer", who))[1] for who in story.customers}
        rows = await tx.fetch(
            "SELECT customer_id, sale_id, left_minor FROM spend WHERE customer_id = ANY($1)", story.customers
        )
    check(story, customers, datetime.now(UTC), EVER)
    spend = {(row["customer_id"], row["sale_id"]): row["left_minor"] for row in rows}
    assert spend == {(who, sold.sale_id): story.left(sold, who) for who in story.customers for sold in story.own(who)}
