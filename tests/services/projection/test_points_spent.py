"""Points that tills let customers spend, and gifts that were given back: where they count on headquarters' page."""

from contracts.loyalty_points import AllowanceUse, PointsSpentOffline, RedemptionReversed
from services.projection.views.snapshot import snapshot
from services.projection.views.summary import summary
from shared.running import Running
from shared.scope import ALL
from tests.services.projection.news import ABROAD, ANNE, MORNING, STORY, named, of_lot, told
from tests.services.projection.tables import hear

SPENT = PointsSpentOffline(
    at=MORNING,
    customer_id=ANNE,
    spending_id=named("offline"),
    branch="LON1",
    till="LON1-1",
    number="7",
    on=MORNING.date(),
    points=100,
    allowances=(AllowanceUse(hold_id=named("allowance"), points=20, lots=(of_lot(ABROAD, 20),)),),
    lots=(of_lot(ABROAD, 30),),
    from_expired=(of_lot(ABROAD, 10),),
    owed=40,
    balance=0,
    debt=40,
)
BACK = RedemptionReversed(
    at=MORNING,
    customer_id=ANNE,
    redemption_id=named("gift"),
    points=10,
    reason="wrong-gift",
    lots=(of_lot(ABROAD, 10),),
    balance=0,
    debt=30,
)
_ANNE = "SELECT balance, debt, redeemed, expired FROM customer WHERE customer_id = $1"


async def test_what_was_spent_counts_where_it_was_earned_and_what_is_owed_where_it_was_spent(
    headquarters: Running,
) -> None:
    await hear(headquarters, told(STORY), told([SPENT], after=len(STORY)), told([BACK], after=len(STORY) + 1))
    anne = await headquarters.pool.fetchrow(_ANNE, ANNE)
    assert anne is not None
    assert tuple(anne) == (0, 30, 50 + 100 - 10, 30 - 10)
    async with snapshot(headquarters.pool, ALL) as tx:
        whole = await summary(tx, None, None)
    assert whole.points.model_dump() == {
        "earned": 400,
        "taken_back": 15,
        "redeemed": 140,
        "expired": 20,
        "outstanding": 225,
    }
    london, shanghai, toronto = (branch.points.redeemed for branch in whole.branches)
    assert (london, shanghai, toronto) == (40, 50, 50)
