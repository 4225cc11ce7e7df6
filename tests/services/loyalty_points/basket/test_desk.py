"""Baskets at the counter, on Postgres: quoted, committed, raced for, undone."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.loyalty_points.basket import committing
from services.loyalty_points.basket.standing import standing
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.basket.shop import Shop, opened
from tests.services.loyalty_points.calling import Calling

_WRITTEN = "SELECT count(*) FROM event"


@pytest.fixture
async def shop(calling: Calling) -> Shop:
    return await opened(calling)


async def quote(shop: Shop, **more: Any) -> dict[str, Any]:
    return await shop.calling.told("POST", "/v1/baskets/quote", shop.basket(**more))


def path(basket_id: UUID, act: str = "commit") -> str:
    return f"/v1/baskets/{basket_id}/{act}"


async def test_a_quote_says_what_each_step_takes_off_and_writes_nothing(shop: Shop) -> None:
    before = await shop.calling.running.pool.fetchval(_WRITTEN)
    told = await quote(shop)
    assert (told["list_minor"], told["total_minor"], told["is_member"], told["refused"]) == (10_333, 4_150, True, [])
    steps = [(one["step"], one["off_minor"], one["by_line"]) for one in told["steps"]]
    assert steps == [
        ("tier", 1_033, {"1": 1_000, "2": 33}),
        ("coupon", 4_650, {"1": 4_500, "2": 150}),
        ("points", 500, {"1": 484, "2": 16}),
    ]
    assert [one["net_minor"] for one in told["lines"]] == [4_016, 134]
    assert told["earns"] == 41
    assert await shop.calling.running.pool.fetchval(_WRITTEN) == before
    assert (await shop.account(), await shop.status(shop.coupon)) == ((1_000, 0), "active")


async def test_a_quote_of_nobody_is_the_listed_price(shop: Shop) -> None:
    told = await quote(shop, customer_id=None, coupon_id=None, points=0)
    assert (told["total_minor"], told["steps"], told["earns"]) == (10_333, [], 0)


async def test_a_quote_says_why_a_coupon_does_not_fit_and_prices_the_rest(shop: Shop) -> None:
    other = await shop.coupon_of(shop.li)
    told = await quote(shop, coupon_id=str(other))
    assert [one["code"] for one in told["refused"]] == ["coupon-of-another"]
    assert [one["step"] for one in told["steps"]] == ["tier", "points"]
    assert str(shop.li) not in str(told)


async def test_a_commit_spends_coupon_and_points_once_and_answers_the_same_for_ever(shop: Shop) -> None:
    basket_id, body, quoted = uuid4(), shop.basket(), await quote(shop)
    first = await shop.calling.told("POST", path(basket_id), body | {"expected_minor": quoted["total_minor"]})
    assert {name: quoted[name] for name in ("lines", "steps", "total_minor", "earns")}.items() <= first.items()
    assert (await shop.account(), await shop.status(shop.coupon)) == ((500, 500), "redeemed")
    dearer = Terms(expiry=Never(), points_per_unit="9").model_dump(mode="json")
    dearer["basket"]["tier_prices"] = [{"tier": "ordinary", "payable": "1"}]
    await shop.calling.told("PUT", "/v1/policy", {"terms": dearer}, "headquarters")
    again = await shop.calling.told("POST", path(basket_id), body | {"expected_minor": quoted["total_minor"]})
    assert again == first
    assert await shop.calling.told("GET", f"/v1/baskets/{basket_id}") == first | {"rolled_back": None}
    assert (await shop.account(), (await quote(shop))["total_minor"]) == ((500, 500), 9_833)


async def test_of_twenty_who_race_for_a_coupon_one_wins_and_nothing_of_the_others_stays(shop: Shop) -> None:
    async def race() -> str:
        answer = await shop.calling.call("POST", path(uuid4()), shop.basket(points=1))
        return str(answer.json().get("code", "won"))

    assert Counter(await asyncio.gather(*(race() for _ in range(20)))) == {"won": 1, "coupon-redeemed": 19}
    assert await shop.account() == (999, 1)
    assert await shop.calling.running.pool.fetchval("SELECT count(*) FROM stream WHERE category = 'basket'") == 1


async def test_the_same_basket_sent_ten_times_at_once_is_one(shop: Shop) -> None:
    basket_id = uuid4()
    sent = (shop.calling.told("POST", path(basket_id), shop.basket()) for _ in range(10))
    first, *others = await asyncio.gather(*sent)
    assert all(other == first for other in others)
    assert await shop.account() == (500, 500)


async def test_points_that_somebody_else_spends_meanwhile_take_coupon_and_basket_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = standing

    async def standing_before_they_were_spent(*told: Any) -> Any:
        found = await known(*told)
        body = {"redemption_id": str(uuid4()), "points": 501}
        await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/redemptions", body)
        return found

    monkeypatch.setattr(committing, "standing", standing_before_they_were_spent)
    basket_id = uuid4()
    answer = await shop.calling.call("POST", path(basket_id), shop.basket())
    assert (answer.status_code, answer.json()["code"], answer.json()["available"]) == (409, "not-enough-points", 499)
    assert await shop.status(shop.coupon) == "active"
    assert (await shop.calling.call("GET", f"/v1/baskets/{basket_id}")).status_code == 404


async def test_a_basket_that_is_undone_gives_coupon_and_points_back_once(shop: Shop) -> None:
    basket_id = uuid4()
    told = await shop.calling.told("POST", path(basket_id), shop.basket())
    undone = await shop.calling.told("POST", path(basket_id, "roll-back"), {"reason": "sale-void"})
    assert undone["rolled_back"]["reason"] == "sale-void"
    assert (await shop.account(), await shop.status(shop.coupon)) == ((1_000, 0), "active")
    assert await shop.calling.told("POST", path(basket_id, "roll-back"), {"reason": "again"}) == undone
    assert await shop.calling.told("POST", path(basket_id), shop.basket()) == told
    assert await shop.account() == (1_000, 0)
    await shop.calling.told("POST", path(uuid4()), shop.basket())
    assert (await shop.account(), await shop.status(shop.coupon)) == ((500, 500), "redeemed")


async def test_what_a_basket_spent_comes_back_with_the_basket_alone(shop: Shop) -> None:
    basket_id = uuid4()
    await shop.calling.told("POST", path(basket_id), shop.basket())
    spent = await shop.account()
    reverse = f"/v1/accounts/{shop.mei}/redemptions/{basket_id}/reverse"
    refused = await shop.calling.call("POST", reverse, {"reason": "regret"})
    assert (refused.status_code, refused.json()["code"]) == (409, "redemption-of-a-basket")
    assert await shop.account() == spent
    await shop.calling.told("POST", path(basket_id, "roll-back"), {"reason": "sale-void"})
    assert (await shop.calling.call("POST", reverse, {"reason": "regret"})).status_code == 200
    assert await shop.account() == (1_000, 0)


async def test_a_checkout_that_has_locked_the_coupon_commits_with_it_and_no_other_does(shop: Shop) -> None:
    basket_id = uuid4()
    lock = {"session_id": str(basket_id), "seconds": 600}
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/coupons/{shop.coupon}/lock", lock)
    other = await shop.calling.call("POST", path(uuid4()), shop.basket())
    assert (other.status_code, other.json()["code"]) == (409, "coupon-locked")
    assert [one["code"] for one in (await quote(shop))["refused"]] == ["coupon-locked"]
    assert (await quote(shop, basket_id=str(basket_id)))["refused"] == []
    await shop.calling.told("POST", path(basket_id), shop.basket())
    assert await shop.status(shop.coupon) == "redeemed"
