"""Two customers who are one have one page, and each her own again after a split."""

from datetime import timedelta

from contracts.loyalty_points import PointsMerged
from contracts.membership import CustomersMerged, CustomersSplit
from services.projection.views.customer import CustomerView, customer_view
from services.projection.views.snapshot import snapshot
from services.projection.views.summary import summary
from services.projection.views.today import today
from shared.running import Running
from shared.scope import ALL
from tests.services.projection.news import ANNE, BO, CHEN, MORNING, STORY, named, sale, told
from tests.services.projection.tables import hear
from tests.services.stories import joining

MERGE = CustomersMerged(at=MORNING, customer_id=ANNE, into=BO, merge_id=named("merge"))
POINTS = PointsMerged(
    at=MORNING, customer_id=BO, given_up=ANNE, merge_id=MERGE.merge_id, points=305, balance=333, debt=0
)
ON = CustomersMerged(at=MORNING, customer_id=BO, into=CHEN, merge_id=named("on"))
SPLIT = CustomersSplit(
    at=MORNING + timedelta(days=1), customer_id=ANNE, merged_into=BO, merge_id=MERGE.merge_id, merged_at=MORNING
)


async def page(headquarters: Running, name: str) -> CustomerView:
    who = {"anne": ANNE, "bo": BO, "chen": CHEN}[name]
    async with snapshot(headquarters.pool, ALL) as tx:
        return await customer_view(tx, who, ALL)


async def test_the_page_of_one_who_was_given_up_is_the_others_with_the_visits_of_both(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    anne, bo = await page(headquarters, "anne"), await page(headquarters, "bo")
    await hear(headquarters, told([MERGE, POINTS], after=len(STORY)))
    one = await page(headquarters, "anne")
    assert (one.customer_id, one.points.balance) == (BO, 333)
    assert one.points.earned == anne.points.earned + bo.points.earned
    assert (one.receipts, one.spend_minor) == (anne.receipts + bo.receipts, anne.spend_minor + bo.spend_minor)
    assert len(one.messages) == len(anne.messages) + len(bo.messages)


async def test_a_chain_leads_to_the_last_and_a_split_gives_her_page_back(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    anne = await page(headquarters, "anne")
    await hear(headquarters, told([MERGE, ON], after=len(STORY)))
    assert [(await page(headquarters, name)).customer_id for name in ("anne", "bo", "chen")] == [CHEN] * 3
    await hear(headquarters, told([SPLIT], after=len(STORY) + 2))
    again = await page(headquarters, "anne")
    assert (again.customer_id, again.points, again.branches) == (ANNE, anne.points, anne.branches)
    assert (await page(headquarters, "bo")).customer_id == CHEN


async def test_a_member_who_turns_out_to_be_another_member_is_counted_once(headquarters: Running) -> None:
    await hear(headquarters, told([*STORY, joining(sale("77", (BO, 1_000)), BO)]))
    assert await members(headquarters) == [2, 2]
    await hear(headquarters, told([MERGE], after=len(STORY) + 1))
    assert await members(headquarters) == [1, 1]
    await hear(headquarters, told([SPLIT], after=len(STORY) + 2))
    assert await members(headquarters) == [2, 2]


async def test_two_members_who_turn_out_to_be_a_third_who_is_none_are_one_member(headquarters: Running) -> None:
    joined = joining(sale("77", (BO, 1_000)), BO)
    both = [one.model_copy(update={"into": CHEN, "customer_id": who}) for one, who in ((MERGE, ANNE), (ON, BO))]
    await hear(headquarters, told([*STORY, joined, *both]))
    assert await members(headquarters) == [1, 1]


async def test_the_first_and_the_last_of_a_chain_are_one_member_though_the_one_between_is_none(
    headquarters: Running,
) -> None:
    joined = joining(sale("77", (CHEN, 1_000)), CHEN)
    await hear(headquarters, told([*STORY, joined, MERGE, ON]))
    assert await members(headquarters) == [1, 1]


async def test_a_member_who_turns_out_to_be_somebody_who_is_none_is_still_counted(headquarters: Running) -> None:
    await hear(headquarters, told([*STORY, MERGE]))
    assert await members(headquarters) == [1, 1]


async def members(headquarters: Running) -> list[int]:
    """Return how many the chain has, by its summary and by its page of the day."""
    async with snapshot(headquarters.pool, ALL) as tx:
        return [(await summary(tx, None, None)).members, (await today(tx, MORNING, None)).members]
