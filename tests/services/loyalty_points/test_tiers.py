"""A customer's tier and birthday over time: what is in force at an instant, in whatever order changes are heard."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

from services.loyalty_points import domain
from services.loyalty_points.domain import NoteBirthdayMonth, NoteTier, TierNoted
from services.loyalty_points.guards import traits
from services.loyalty_points.guards.traits import Traits
from shared.message import Cause, Issued
from shared.performing import perform
from shared.running import Running
from tests.scenario import Scenario
from tests.services.stories import customer

CAUSE = Cause("a test", "a test")
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)
MEI = customer(1)
POINTS = Scenario(domain)


def gold(*, is_known: bool = False) -> NoteTier:
    return NoteTier(at=MONDAY, customer_id=MEI, tier="gold", is_known=is_known)


def test_a_tier_is_noted_as_of_its_own_time() -> None:
    POINTS.when(gold()).then(TierNoted(at=MONDAY, customer_id=MEI, tier="gold"))


def test_a_tier_told_twice_is_noted_once() -> None:
    POINTS.when(gold(is_known=True)).then()


async def in_force(running: Running, who: UUID, *days: int) -> list[str | None]:
    moments = [(who, MONDAY + day * DAY) for day in days]
    async with running.pool.acquire() as tx:
        found = await traits.in_force(tx, moments)
    return [found[moment].tier for moment in moments]


async def test_the_tier_in_force_is_the_last_that_began_in_whatever_order_they_are_heard(
    loyalty_points: Running,
) -> None:
    changes = [(0, "ordinary"), (2, "silver"), (5, "gold"), (5, "elite")]
    for told in permutations(changes):
        who = uuid4()
        notes = [NoteTier(at=MONDAY + day * DAY, customer_id=who, tier=tier) for day, tier in told]
        await perform(loyalty_points, [Issued(note, CAUSE) for note in (*notes, *notes)])
        assert await in_force(loyalty_points, who, -1, 0, 1, 2, 4, 5, 9) == [
            None,
            "ordinary",
            "ordinary",
            "silver",
            "silver",
            "gold",
            "gold",
        ]
        async with loyalty_points.pool.acquire() as tx:
            assert len(await loyalty_points.handler.history(tx, "account", who)) == 4


async def test_what_holds_of_everybody_is_found_at_once(loyalty_points: Running) -> None:
    mei, li, nobody = uuid4(), uuid4(), uuid4()
    tiers = [NoteTier(at=MONDAY, customer_id=who, tier=tier) for who, tier in ((mei, "gold"), (li, "silver"))]
    months = [NoteBirthdayMonth(at=MONDAY + day * DAY, customer_id=li, month=month) for day, month in ((0, 12), (1, 3))]
    await perform(loyalty_points, [Issued(note, CAUSE) for note in (*tiers, *months, *months)])
    async with loyalty_points.pool.acquire() as tx:
        found = await traits.in_force(tx, [(mei, MONDAY), (nobody, MONDAY), (li, MONDAY), (mei, MONDAY)])
        later = await traits.in_force(tx, [(li, MONDAY + DAY)])
        birthdays = await traits.in_force(tx, [(li, MONDAY)], ["birthday_month"])
        nothing = await traits.in_force(tx, [(li, MONDAY)], [])
        noted = await loyalty_points.handler.history(tx, "account", li)
    assert {who: its for (who, _), its in found.items()} == {
        mei: Traits("gold"),
        li: Traits("silver", 12),
        nobody: Traits(),
    }
    assert list(later.values()) == [Traits("silver", 3)]
    assert (list(birthdays.values()), list(nothing.values())) == ([Traits(None, 12)], [Traits()])
    assert len(noted) == 3
