"""What the points ledger's rules are told: the policy of a receipt's own time, and what has been heard of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import CountReceipt, CountRefund, StartEarning
from services.loyalty_points.terms import Terms
from shared.message import Cause, Command, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.running import Running

CAUSE = Cause("a test", "a test")
NOW = datetime.now(UTC)


def sale(who: UUID, net_minor: int, at: datetime = NOW) -> CountReceipt:
    return CountReceipt(
        at=at,
        customer_id=who,
        sale_id=uuid4(),
        branch="TOR1",
        zone="America/Toronto",
        on=at.date(),
        order=at.isoformat(),
        lines={1: net_minor},
    )


def joined(who: UUID) -> StartEarning:
    return StartEarning(at=NOW, customer_id=who, joined_order="")


async def publish(running: Running, rate: str, holds_from: datetime | None = None) -> None:
    terms = Terms(points_per_unit=rate).model_dump(mode="json")
    await perform_one(running, PublishPolicy(at=NOW, terms=terms, holds_from=holds_from), CAUSE)


async def entries(running: Running, who: UUID) -> list[tuple[str, int, int]]:
    async with running.pool.acquire() as tx:
        told = [e.event for e in await running.handler.history(tx, "account", who)]
    return [(e.name, e.points, e.policy_version) for e in told if isinstance(e, PointsEarned | PointsTakenBack)]


async def hear(running: Running, *commands: Command) -> None:
    await perform(running, [Issued(command, CAUSE) for command in commands])


async def test_a_receipt_earns_by_the_policy_of_its_own_time(loyalty_points: Running) -> None:
    await publish(loyalty_points, "1")
    await publish(loyalty_points, "2.5", NOW + timedelta(hours=1))
    who = uuid4()
    await hear(loyalty_points, joined(who), sale(who, 1_000, NOW + timedelta(hours=2)), sale(who, 1_000))
    assert await entries(loyalty_points, who) == [("PointsEarned", 25, 2), ("PointsEarned", 10, 1)]


async def test_a_receipt_that_waited_earns_by_the_policy_of_its_own_time(loyalty_points: Running) -> None:
    await publish(loyalty_points, "1")
    await publish(loyalty_points, "2", NOW + timedelta(hours=1))
    who = uuid4()
    await hear(loyalty_points, sale(who, 1_000, NOW + timedelta(hours=2)), sale(who, 1_000), joined(who))
    assert await entries(loyalty_points, who) == [("PointsEarned", 10, 1), ("PointsEarned", 20, 2)]


async def test_a_refund_takes_back_at_the_rate_that_was_earned(loyalty_points: Running) -> None:
    who = uuid4()
    before = sale(who, 1_000)
    await hear(loyalty_points, joined(who), before)
    await publish(loyalty_points, "3")
    await hear(loyalty_points, CountRefund(at=NOW, customer_id=who, sale_id=before.sale_id, lines={1: 400}))
    assert await entries(loyalty_points, who) == [("PointsEarned", 10, 0), ("PointsTakenBack", 6, 0)]


async def test_one_batch_sees_what_its_earlier_commands_did(loyalty_points: Running) -> None:
    who = uuid4()
    first = sale(who, 1_000)
    refund = CountRefund(at=NOW, customer_id=who, sale_id=first.sale_id, lines={1: 0})
    await hear(loyalty_points, first, refund, joined(who), first, refund, sale(who, 500, NOW + timedelta(hours=1)))
    assert await entries(loyalty_points, who) == [
        ("PointsEarned", 10, 0),
        ("PointsTakenBack", 10, 0),
        ("PointsEarned", 5, 0),
    ]


async def test_a_refund_of_what_was_never_heard_is_an_answer_not_a_fault(loyalty_points: Running) -> None:
    unheard = CountRefund(at=NOW, customer_id=uuid4(), sale_id=uuid4(), lines={1: 0})
    (outcome,) = await perform(loyalty_points, [Issued(unheard, CAUSE)])
    assert outcome.refusal
    assert outcome.refusal.code == "sale-unknown"
