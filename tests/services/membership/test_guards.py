"""What membership's rules are told of policy and spend, and the timers that look at a tier again."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.membership import reviewing
from services.membership.customer import Customer
from services.membership.domain import CountRefund, CountSale, ReviewTier
from services.membership.terms import Terms, Tier
from shared.message import Cause, Event, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.running import Running
from shared.timers import fire

CAUSE = Cause("a test", "a test")
A_YEAR = timedelta(days=365)


def sale(who: UUID, net_minor: int, at: datetime) -> CountSale:
    return CountSale(at=at, customer_id=who, sale_id=uuid4(), branch="TOR1", order=at.isoformat(), lines={1: net_minor})


async def publish(running: Running, terms: Terms, holds_from: datetime | None = None) -> None:
    told = terms.model_dump(mode="json")
    await perform_one(running, PublishPolicy(at=datetime.now(UTC), terms=told, holds_from=holds_from), CAUSE)


async def state(running: Running, who: UUID) -> Customer:
    async with running.pool.acquire() as tx:
        found = (await running.handler.state(tx, "customer", who))[1]
    assert isinstance(found, Customer)
    return found


async def events(running: Running, who: UUID, name: str) -> list[Event]:
    async with running.pool.acquire() as tx:
        return [e.event for e in await running.handler.history(tx, "customer", who) if e.event.name == name]


async def test_one_batch_sees_what_its_earlier_commands_did(membership: Running) -> None:
    who, now = uuid4(), datetime.now(UTC)
    first = sale(who, 150_000, now)
    refund = CountRefund(at=now, customer_id=who, sale_id=first.sale_id, lines={1: 120_000})
    await perform(membership, [Issued(c, CAUSE) for c in (first, sale(who, 80_000, now), refund, first, refund)])
    assert (await state(membership, who)).tier == "silver"
    spend = await membership.pool.fetchval("SELECT sum(left_minor) FROM spend WHERE customer_id = $1", who)
    assert spend == 200_000


async def test_a_receipt_joins_by_the_policy_of_its_own_time(membership: Running) -> None:
    now = datetime.now(UTC)
    await publish(membership, Terms(join_minimum_minor=20_000))
    await publish(membership, Terms(join_minimum_minor=10_000), now + timedelta(hours=1))
    before, after = uuid4(), uuid4()
    both = (sale(before, 15_000, now), sale(after, 15_000, now + timedelta(hours=2)))
    await perform(membership, [Issued(command, CAUSE) for command in both])
    assert (await state(membership, before)).joined_at is None
    (joined,) = await events(membership, after, "MembershipStarted")
    assert joined.model_dump()["policy_version"] == 2


async def test_a_tier_falls_when_its_receipts_leave_the_window(membership: Running) -> None:
    who, now = uuid4(), datetime.now(UTC)
    leaving = sale(who, 500_000, now - A_YEAR + timedelta(minutes=10))
    await perform(membership, [Issued(c, CAUSE) for c in (leaving, sale(who, 200_000, now))])
    assert (await state(membership, who)).tier == "gold"
    due_at, left = await due(membership, who)
    assert (due_at, left) == (leaving.at + A_YEAR, 1)
    await let_time_pass(membership, who, timedelta(minutes=20))
    assert await fire(membership) == 1
    assert (await state(membership, who)).tier == "silver"
    assert (await due(membership, who))[0] == now + A_YEAR - timedelta(minutes=20)


async def let_time_pass(running: Running, who: UUID, time: timedelta) -> None:
    """Move the past away, rather than the clock of Postgres."""
    await running.pool.execute("UPDATE timer SET due_at = due_at - $2::interval WHERE stream_id = $1", who, time)
    await running.pool.execute("UPDATE spend SET sold_at = sold_at - $2::interval WHERE customer_id = $1", who, time)


async def due(running: Running, who: UUID) -> tuple[datetime, int]:
    row = await running.pool.fetchrow(
        "SELECT min(due_at), count(*) FROM timer WHERE stream_id = $1 AND fired_at IS NULL", who
    )
    assert row is not None
    return row[0], row[1]


async def test_a_review_is_never_handled_before_its_own_time(membership: Running) -> None:
    who, now = uuid4(), datetime.now(UTC)
    await perform(membership, [Issued(sale(who, 500_000, now), CAUSE)])
    (outcome,) = await perform(membership, [Issued(ReviewTier(at=now + A_YEAR, customer_id=who), CAUSE)])
    assert [e.event.name for e in outcome.events] == ["TierChanged"]
    assert outcome.events[0].event.at == now + A_YEAR
    assert (await state(membership, who)).tier == "ordinary"


async def test_another_policy_reviews_every_member_once(membership: Running) -> None:
    now = datetime.now(UTC)
    members, guest = [uuid4() for _ in range(5)], uuid4()
    bought = [sale(who, 60_000, now) for who in members]
    await perform(membership, [Issued(c, CAUSE) for c in (*bought, sale(guest, 100, now))])
    assert not await reviewing.look(membership)
    lower = (Tier(name="ordinary", from_minor=0), Tier(name="silver", from_minor=60_000))
    await publish(membership, Terms(tiers=lower))
    assert [await reviewing.look(membership, at_once=2) for _ in range(4)] == [True, True, False, False]
    assert {(await state(membership, who)).tier for who in members} == {"silver"}
    assert (await state(membership, guest)).tier is None
    told = await events(membership, members[0], "TierChanged")
    assert [e.model_dump()["policy_version"] for e in told] == [0, 1]


async def test_who_joins_while_another_policy_comes_into_force_is_reviewed_too(membership: Running) -> None:
    who = uuid4()
    async with membership.pool.acquire() as tx, tx.transaction():
        await membership.handler.handle(tx, [Issued(sale(who, 60_000, datetime.now(UTC)), CAUSE)])
        await publish(membership, Terms(tiers=(Tier(name="plain", from_minor=0), Tier(name="fine", from_minor=10_000))))
        looking = asyncio.create_task(reviewing.look(membership))
        await asyncio.wait([looking], timeout=0.2)
    await looking
    assert (await state(membership, who)).tier == "fine"


async def test_a_policy_that_starts_later_reviews_then(membership: Running) -> None:
    now = datetime.now(UTC)
    await publish(membership, Terms())
    assert not await reviewing.look(membership)
    await publish(membership, Terms(join_minimum_minor=1), now + timedelta(hours=1))
    assert not await reviewing.look(membership)
    assert await membership.pool.fetchval("SELECT policy_version FROM tier_review") == 1
