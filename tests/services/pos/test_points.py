"""Points that tills let customers spend: each receipt's once, whenever and however often it is told."""

import asyncio

from contracts.pos import ItemParked, PointsSpentAtTill, SaleRecorded, spending_id
from tests.services.pos.shop import ACCEPTED, DUPLICATE, Shop, parked, points, sale


async def test_points_spent_are_said_once_with_whose_they_are(shop: Shop) -> None:
    anna = {"card": f"{shop.branch} A"}
    late = points(2, "1001", 30, anna, minutes=12 * 60)
    assert await shop.send(late, sale(1, "1001", customer=anna)) == [ACCEPTED, ACCEPTED]
    assert await shop.send(late) == [DUPLICATE]
    (said,) = await shop.told(PointsSpentAtTill)
    (sold,) = await shop.told(SaleRecorded)
    assert said.spending_id == spending_id(shop.branch, shop.tills[0], "1001")
    assert (said.points, said.number, said.till) == (30, "1001", shop.tills[0])
    assert (said.at.isoformat(), said.on.isoformat()) == ("2026-11-21T03:00:00+00:00", "2026-11-20")
    assert said.customer_id == sold.lines[0].customer_id


async def test_the_same_spending_under_another_number_is_a_repeat_and_another_one_a_mistake(shop: Shop) -> None:
    anna, ben = {"card": f"{shop.branch} A"}, {"card": f"{shop.branch} B"}
    assert await shop.send(points(1, "7", 30, anna), points(2, "7", 30, anna)) == [ACCEPTED, DUPLICATE]
    assert await shop.send(points(3, "7", 31, anna), points(4, "7", 30, ben)) == [parked("receipt-reused")] * 2
    assert [e.points for e in await shop.told(PointsSpentAtTill)] == [30]
    assert len(await shop.told(ItemParked)) == 2


async def test_the_same_receipt_of_two_tills_are_two_spendings(shop: Shop) -> None:
    one, two, _ = shop.tills
    anna = {"card": f"{shop.branch} A"}
    batch = [points(n, str(n), n, anna) for n in range(1, 21)]
    told = await asyncio.gather(*(shop.send(*batch, till=till) for till in (one, two, one, two)))
    assert sorted(answer for answers in told for answer in answers) == [ACCEPTED] * 40 + [DUPLICATE] * 40
    said = await shop.told(PointsSpentAtTill)
    assert len({e.spending_id for e in said}) == len(said) == 40
    assert sum(e.points for e in said) == 2 * 210
