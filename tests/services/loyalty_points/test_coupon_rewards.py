"""A coupon for points: she has it as she pays, for as long as its offer has some, and gives it back unused or not."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from contracts.loyalty_points import PointsRedeemed, RewardKind
from services.loyalty_points.coupon.domain import VoidCoupon
from services.loyalty_points.coupon.issuing import IssueCoupon
from services.loyalty_points.domain import RedeemReward
from services.loyalty_points.offer.domain import offer_id
from services.loyalty_points.reward.handing import following, hand_over
from services.loyalty_points.reward.offer import Description, reward_id
from shared.performing import perform_one
from tests.services.loyalty_points.basket.shop import PERCENT
from tests.services.loyalty_points.calling import CAUSE, Calling
from tests.services.loyalty_points.spending import BASKET, MEI, OTHER, available, refused, told, with_points
from tests.services.loyalty_points.test_rewards import CREAM, put_by, reverse, shop, take

PRICE = 10
VOUCHER = Description(title="Half a cut", kind=RewardKind.COUPON, points=PRICE, offer="half-a-cut")

_PAID_AND_ISSUED = """
SELECT (SELECT count(*) FROM reward_taken WHERE given_back_at IS NULL),
  (SELECT count(*) FROM coupon WHERE ended IS DISTINCT FROM 'voided'),
  (SELECT coalesce(sum(issued), 0)::bigint FROM coupon_offer)
"""
_WRITTEN = "SELECT count(*) FROM event"


def test_a_coupon_costs_its_price_and_the_entry_names_it_and_its_offer() -> None:
    books = with_points()
    books.shelf.described[CREAM] = VOUCHER
    spent = told(books, take(books))
    assert isinstance(spent, PointsRedeemed)
    assert (spent.points, available(books)) == (PRICE, 20)
    assert spent.reward
    assert (spent.reward.kind, spent.reward.offer) == ("coupon", "half-a-cut")
    (issuing,) = following([spent])
    assert isinstance(issuing, IssueCoupon)
    assert (issuing.customer_id, issuing.at) == (MEI, spent.at)
    assert (issuing.coupon_id, issuing.offer_id) == (spent.reward.coupon_id, offer_id("half-a-cut"))


def test_each_redemption_gives_one_coupon_and_told_again_no_other() -> None:
    books = with_points()
    books.shelf.described[CREAM] = VOUCHER
    first, second = told(books, take(books)), told(books, take(books, OTHER))
    assert books.handle(take(books)) == []
    assert len({one.coupon_id for one in following([first, second]) if isinstance(one, IssueCoupon)}) == 2
    anew = with_points()
    anew.shelf.described[CREAM] = VOUCHER
    assert following([told(anew, take(anew))]) == following([first])


def test_a_coupon_that_is_given_back_is_voided_and_a_gift_has_none() -> None:
    books = with_points()
    books.shelf.described[CREAM] = VOUCHER
    (issuing,) = following(books.handle(take(books)))
    (voiding,) = following([told(books, reverse(books))])
    assert isinstance(voiding, VoidCoupon)
    assert isinstance(issuing, IssueCoupon)
    assert (voiding.customer_id, voiding.coupon_id, voiding.reason) == (MEI, issuing.coupon_id, "wrong-gift")
    gifts = shop()
    assert following([*gifts.handle(take(gifts)), *gifts.handle(reverse(gifts, BASKET))]) == []


def test_a_coupon_is_not_put_by() -> None:
    books = with_points()
    books.shelf.described[CREAM] = VOUCHER
    refused(books, put_by(books), "coupon-not-put-by")


@pytest.mark.parametrize(
    "its",
    [{"kind": RewardKind.COUPON}, {"kind": RewardKind.GIFT, "offer": "x"}, {"kind": "coupon", "offer": "10% off"}],
)
def test_a_coupon_and_nothing_else_is_one_of_an_offer(its: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Description.model_validate({"title": "Half a cut", "points": PRICE} | its)


def test_an_offer_and_a_reward_of_one_code_are_two() -> None:
    assert offer_id("half-a-cut") != reward_id("half-a-cut")


async def opened(calling: Calling, **words: Any) -> None:
    """Put a coupon on offer, by a reward and an offer of one code."""
    await calling.told("PUT", "/v1/coupon-offers/half-a-cut", PERCENT | words, "headquarters")
    its = VOUCHER.model_dump(mode="json") | {"counted": True}
    await calling.told("PUT", "/v1/rewards/half-a-cut", its, "headquarters")
    await calling.told("POST", "/v1/rewards/half-a-cut/stock", {"change": 99, "reason": "printed"}, "headquarters")


async def redeem(calling: Calling, who: UUID, redemption_id: UUID) -> str:
    body = {"redemption_id": str(redemption_id), "branch": "TOR1"}
    answer = await calling.call("POST", f"/v1/accounts/{who}/rewards/half-a-cut/redeem", body)
    return str(answer.json().get("code", "done"))


def taking(who: UUID, redemption_id: UUID, at: datetime) -> RedeemReward:
    """Return the command that a redemption is."""
    return RedeemReward(
        at=at, customer_id=who, redemption_id=redemption_id, reward_id=reward_id("half-a-cut"), branch="TOR1"
    )


async def give_back(calling: Calling, who: UUID, redemption_id: UUID) -> str:
    path = f"/v1/accounts/{who}/redemptions/{redemption_id}/reverse"
    return str((await calling.call("POST", path, {"reason": "wrong-gift"})).json().get("code", "done"))


async def has(calling: Calling, who: UUID) -> tuple[int, list[str]]:
    """Return what she can spend, and how her coupons stand."""
    account = await calling.told("GET", f"/v1/accounts/{who}")
    coupons = (await calling.told("GET", f"/v1/accounts/{who}/coupons"))["coupons"]
    return account["available"], sorted(one["status"] for one in coupons)


async def is_paid(calling: Calling) -> bool:
    """Return whether there are as many coupons as redemptions that stand, and the offer has counted as many."""
    row = await calling.running.pool.fetchrow(_PAID_AND_ISSUED)
    return row is not None and len(set(row)) == 1


async def stock(calling: Calling) -> int:
    (left,) = (one["stock"] for one in (await calling.told("GET", "/v1/rewards"))["rewards"])
    return int(left)


async def test_a_coupon_is_hers_as_she_pays_once_however_often_it_is_sent(calling: Calling) -> None:
    await opened(calling)
    who, redemption_id = await calling.member(30), uuid4()
    assert set(await asyncio.gather(*(redeem(calling, who, redemption_id) for _ in range(5)))) == {"done"}
    assert await has(calling, who) == (20, ["active"])
    assert await redeem(calling, who, uuid4()) == "done"
    assert await has(calling, who) == (10, ["active", "active"])
    assert (await stock(calling), await is_paid(calling)) == (97, True)


async def test_of_ten_who_race_for_three_three_have_one_and_the_others_their_points(calling: Calling) -> None:
    await opened(calling, total=3)
    racers = [await calling.member(10) for _ in range(10)]
    ends = Counter(await asyncio.gather(*(redeem(calling, who, uuid4()) for who in racers)))
    assert ends == {"done": 3, "offer-exhausted": 7}
    assert Counter([(points, *coupons) for points, coupons in [await has(calling, who) for who in racers]]) == {
        (0, "active"): 3,
        (10,): 7,
    }
    assert (await stock(calling), await is_paid(calling)) == (96, True)


async def test_one_too_many_for_her_is_refused_and_nothing_is_written(calling: Calling) -> None:
    await opened(calling, per_person=1)
    who = await calling.member(30)
    assert await redeem(calling, who, uuid4()) == "done"
    before = await calling.running.pool.fetchval(_WRITTEN)
    assert await redeem(calling, who, uuid4()) == "offer-exhausted-for-customer"
    assert await calling.running.pool.fetchval(_WRITTEN) == before
    assert (await has(calling, who), await stock(calling)) == ((20, ["active"]), 98)


async def test_an_unused_coupon_is_given_back_once_for_its_points(calling: Calling) -> None:
    await opened(calling, total=1)
    who, redemption_id = await calling.member(10), uuid4()
    assert await redeem(calling, who, redemption_id) == "done"
    for _ in range(2):
        assert await give_back(calling, who, redemption_id) == "done"
        assert (await has(calling, who), await stock(calling), await is_paid(calling)) == ((10, ["voided"]), 99, True)
    assert await redeem(calling, who, uuid4()) == "done"  # the offer has its one again
    assert (await has(calling, who), await is_paid(calling)) == ((0, ["active", "voided"]), True)


async def test_a_used_coupon_does_not_come_back_until_its_basket_does(calling: Calling) -> None:
    await opened(calling)
    who, redemption_id, basket_id = await calling.member(10), uuid4(), uuid4()
    assert await redeem(calling, who, redemption_id) == "done"
    (coupon,) = (await calling.told("GET", f"/v1/accounts/{who}/coupons"))["coupons"]
    basket = {"customer_id": str(who), "branch": "TOR1", "zone": "America/Toronto", "currency": "CAD"}
    line = {"line": 1, "code": "CUT", "kind": "service", "list_minor": 10_000}
    body = basket | {"lines": [line], "coupon_id": coupon["coupon_id"]}
    await calling.told("POST", f"/v1/baskets/{basket_id}/commit", body)
    before = await calling.running.pool.fetchval(_WRITTEN)
    assert await give_back(calling, who, redemption_id) == "coupon-redeemed"
    assert await calling.running.pool.fetchval(_WRITTEN) == before
    assert (await has(calling, who), await stock(calling)) == ((0, ["redeemed"]), 98)
    await calling.told("POST", f"/v1/baskets/{basket_id}/roll-back", {"reason": "sale-void"})
    assert await give_back(calling, who, redemption_id) == "done"
    assert (await has(calling, who), await is_paid(calling)) == ((10, ["voided"]), True)


async def test_a_coupon_that_she_let_expire_does_not_come_back(calling: Calling) -> None:
    await opened(calling, valid_days=1)
    who, redemption_id = await calling.member(10), uuid4()
    await hand_over(calling.running, taking(who, redemption_id, datetime.now(UTC) - timedelta(days=2)), CAUSE)
    assert await give_back(calling, who, redemption_id) == "coupon-expired"
    assert await has(calling, who) == (0, ["expired"])


async def test_the_same_key_gets_the_same_answer_of_what_was_refused_too(calling: Calling) -> None:
    await opened(calling, total=0)
    who, body = await calling.member(10), {"redemption_id": str(uuid4()), "branch": "TOR1"}
    path, key = f"/v1/accounts/{who}/rewards/half-a-cut/redeem", str(uuid4())
    assert (await calling.call("POST", path, body, key=key)).json()["code"] == "offer-exhausted"
    await calling.told("PUT", "/v1/coupon-offers/half-a-cut", PERCENT, "headquarters")
    assert (await calling.call("POST", path, body, key=key)).json()["code"] == "offer-exhausted"
    assert (await calling.call("POST", path, body | {"branch": "TOR2"}, key=key)).json()[
        "code"
    ] == "idempotency-key-reused"
    assert (await calling.call("POST", path, body)).status_code == 200
    assert (await has(calling, who), await is_paid(calling)) == ((0, ["active"]), True)


async def test_points_that_are_spent_by_a_door_that_issues_nothing_are_seen(calling: Calling) -> None:
    await opened(calling)
    who = await calling.member(10)
    await perform_one(calling.running, taking(who, uuid4(), datetime.now(UTC)), CAUSE)
    assert not await is_paid(calling)
