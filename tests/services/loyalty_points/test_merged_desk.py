"""At the desk two customers who are one have one account, whichever id is asked for: points, coupons, pages."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from contracts.membership import CustomersMerged, CustomersSplit
from services.loyalty_points.domain import RedeemPoints
from services.loyalty_points.domain.hindsight import FIGURES
from services.loyalty_points.reactions import react
from shared.message import Issued
from shared.performing import perform
from tests.services.loyalty_points.basket.shop import Shop, opened
from tests.services.loyalty_points.calling import CAUSE, Calling

LIMITED = {"benefit": {"kind": "percent", "payable": "0.5"}, "per_person": 2}


@pytest.fixture
async def shop(calling: Calling) -> Shop:
    """Return the shop: Mei has a thousand points and a coupon, Li ten points."""
    return await opened(calling)


def merging(shop: Shop) -> CustomersMerged:
    return CustomersMerged(at=datetime.now(UTC), customer_id=shop.mei, into=shop.li, merge_id=uuid4())


async def hear(shop: Shop, news: CustomersMerged | CustomersSplit) -> None:
    outcomes = await perform(shop.calling.running, [Issued(command, CAUSE) for command in react(news)])
    assert not any(outcome.refusal for outcome in outcomes)


async def split(shop: Shop, of: CustomersMerged) -> None:
    its: dict[str, Any] = {"merged_into": of.into, "merge_id": of.merge_id, "merged_at": of.at}
    await hear(shop, CustomersSplit(at=datetime.now(UTC), customer_id=of.customer_id, **its))


async def account(shop: Shop, who: UUID, **asked: str) -> dict[str, Any]:
    query = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in asked.items())
    return await shop.calling.told("GET", f"/v1/accounts/{who}?{query}")


async def test_the_account_of_either_is_the_one_and_says_whose_it_is_and_who_was_given_up(shop: Shop) -> None:
    merge = merging(shop)
    await hear(shop, merge)
    hers, lis = await account(shop, shop.mei), await account(shop, shop.li)
    assert hers == lis
    assert (hers["customer_id"], hers["available"]) == (str(shop.li), 1_010)
    assert [(one["customer_id"], one["merge_id"]) for one in hers["merged"]] == [(str(shop.mei), str(merge.merge_id))]
    assert [(one["kind"], one["points"]) for one in hers["entries"]] == [("earned", 10), ("merged", 1_000)]


async def test_every_figure_is_explained_and_is_what_stands_before_and_after_the_split(shop: Shop) -> None:
    merge = merging(shop)
    redeem = {"redemption_id": str(uuid4()), "points": 600}
    await hear(shop, merge)
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/redemptions", redeem)
    hold = {"hold_id": str(uuid4()), "points": 30, "seconds": 600}
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/holds", hold)
    for ids in ((shop.mei,), (shop.mei, shop.li)):
        for who in ids:
            stands = await account(shop, who)
            then = await account(shop, who, as_of=datetime.now(UTC).isoformat())
            for figure in (one for one in FIGURES if one != "next_expiry"):
                told = await shop.calling.told("GET", f"/v1/accounts/{who}/explain?figure={figure}")
                assert (told["points"], sum(part["points"] for part in told["parts"])) == (stands[figure],) * 2
                assert then[figure] == stands[figure]
            page = await shop.calling.call("GET", f"/v1/accounts/{who}/statement?lang=en")
            assert (page.status_code, "Accounts merged" in page.text) == (200, True)
        if len(ids) == 1:
            await split(shop, merge)


async def test_what_was_before_the_merge_is_not_hers_as_of_then(shop: Shop) -> None:
    merge = merging(shop)
    await hear(shop, merge)
    before = (merge.at - timedelta(microseconds=1)).isoformat()
    assert (await account(shop, shop.li, as_of=before))["available"] == 10
    told = await shop.calling.told("GET", f"/v1/accounts/{shop.li}/explain?figure=available")
    moved = [part for part in told["parts"] if part["moved_by"]]
    assert [(part["points"], part["lot"]["origin"]) for part in moved] == [(1_000, str(shop.mei))]
    assert moved[0]["moved_by"]["name"] == "AccountTakenIn"


async def test_her_coupon_is_used_by_the_other_and_is_her_own_again_after_the_split(shop: Shop) -> None:
    merge, basket_id = merging(shop), uuid4()
    kept = await shop.coupon_of(shop.mei)
    await hear(shop, merge)
    assert await shop.status(shop.coupon, shop.li) == "active"
    basket = shop.basket(customer_id=str(shop.li))
    assert not (await shop.calling.told("POST", "/v1/baskets/quote", basket))["refused"]
    await shop.calling.told("POST", f"/v1/baskets/{basket_id}/commit", basket)
    assert await shop.status(shop.coupon, shop.mei) == "redeemed"
    await split(shop, merge)
    assert await shop.status(kept, shop.mei) == "active"
    answer = await shop.calling.call("POST", f"/v1/accounts/{shop.li}/coupons/{kept}/void", {"reason": "no-reason"})
    assert (answer.status_code, answer.json()["code"]) == (409, "coupon-of-another")
    await shop.calling.told("POST", f"/v1/baskets/{basket_id}/roll-back", {"reason": "void"})
    assert await shop.status(shop.coupon, shop.mei) == "active"
    left = [(await account(shop, who))["available"] for who in (shop.mei, shop.li)]
    assert left in ([500, 510], [510, 500])  # of two lots of one day their ids say which was spent first


async def test_a_basket_by_the_id_that_was_given_up_is_paid_with_the_others_coupon_and_told_twice_the_same(
    shop: Shop,
) -> None:
    lis, basket_id = await shop.coupon_of(shop.li), uuid4()
    basket = shop.basket(coupon_id=str(lis), points=1_005)
    await hear(shop, merging(shop))
    first, again = [await shop.calling.told("POST", f"/v1/baskets/{basket_id}/commit", basket) for _ in range(2)]
    assert first == again
    assert (await account(shop, shop.li))["available"] == 5


async def test_a_limit_of_an_offer_is_one_for_both(shop: Shop) -> None:
    offer = f"limited-{uuid4()}"
    await shop.calling.told("PUT", f"/v1/coupon-offers/{offer}", LIMITED, "headquarters")
    for who in (shop.mei, shop.li):
        body = {"coupon_id": str(uuid4()), "offer": offer}
        await shop.calling.told("POST", f"/v1/accounts/{who}/coupons", body)
    await hear(shop, merging(shop))
    for who in (shop.mei, shop.li):
        body = {"coupon_id": str(uuid4()), "offer": offer}
        answer = await shop.calling.call("POST", f"/v1/accounts/{who}/coupons", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "offer-exhausted-for-customer")


async def test_an_act_that_has_earned_under_one_id_does_not_earn_again_under_the_other(shop: Shop) -> None:
    body = {"act": "referral", "act_id": "li-1", "reason": "brought-li", "branch": "TOR1", "zone": "America/Toronto"}
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/awards", body)
    await hear(shop, merging(shop))
    await shop.calling.told("POST", f"/v1/accounts/{shop.li}/awards", body)
    assert (await account(shop, shop.li))["available"] == 1_210


async def test_an_act_told_of_her_while_they_were_one_does_not_earn_again_when_they_are_two(shop: Shop) -> None:
    body = {"act": "referral", "act_id": "li-1", "reason": "brought-li", "branch": "TOR1", "zone": "America/Toronto"}
    merge = merging(shop)
    await hear(shop, merge)
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/awards", body)
    await split(shop, merge)
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/awards", body)
    assert [(await account(shop, who))["available"] for who in (shop.mei, shop.li)] == [1_200, 10]


async def test_a_basket_that_was_paid_while_they_were_one_is_rolled_back_when_they_are_two(shop: Shop) -> None:
    merge, basket_id = merging(shop), uuid4()
    await hear(shop, merge)
    await shop.calling.told("POST", f"/v1/baskets/{basket_id}/commit", shop.basket())
    await split(shop, merge)
    for _ in range(2):
        await shop.calling.told("POST", f"/v1/baskets/{basket_id}/roll-back", {"reason": "void"})
        assert await shop.status(shop.coupon, shop.mei) == "active"
        assert sum([(await account(shop, who))["available"] for who in (shop.mei, shop.li)]) == 1_010


async def test_an_id_names_one_thing_whosever_it_is_and_the_first_has_it(shop: Shop) -> None:
    for number in range(4):
        redeem = {"redemption_id": str(uuid4()), "points": 1}
        racing = [
            shop.calling.call("POST", f"/v1/accounts/{who}/redemptions", redeem) for who in (shop.mei, shop.li) * 4
        ]
        answers = [(answer.status_code, answer.json().get("code")) for answer in await asyncio.gather(*racing)]
        assert sorted(answers, key=str) == [(200, None)] * 4 + [(409, "redemption-differs")] * 4
        assert sum([(await account(shop, who))["available"] for who in (shop.mei, shop.li)]) == 1_009 - number


async def test_of_two_transactions_that_give_one_id_to_two_accounts_one_is_refused(shop: Shop) -> None:
    for _ in range(4):
        redemption_id = uuid4()
        its: dict[str, Any] = {"at": datetime.now(UTC), "redemption_id": redemption_id, "points": 1}
        orders = [RedeemPoints(customer_id=who, **its) for who in (shop.mei, shop.li)]
        racing = [perform(shop.calling.running, [Issued(order, CAUSE)]) for order in orders]
        refused = [outcome.refusal for done in await asyncio.gather(*racing) for outcome in done if outcome.refusal]
        assert [refusal.code for refusal in refused] == ["redemption-differs"]


async def test_what_acts_have_earned_is_hers_though_another_spent_it(shop: Shop) -> None:
    body = {"act": "referral", "act_id": "li-1", "reason": "brought-li", "branch": "TOR1", "zone": "America/Toronto"}
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/awards", body)
    merge, wu = merging(shop), await shop.calling.member(5)
    await hear(shop, merge)
    redeem = {"redemption_id": str(uuid4()), "points": 1_205}
    await shop.calling.told("POST", f"/v1/accounts/{shop.li}/redemptions", redeem)
    await split(shop, merge)
    on = CustomersMerged(at=datetime.now(UTC), customer_id=shop.li, into=wu, merge_id=uuid4())
    await hear(shop, on)
    await split(shop, on)
    assert [(await account(shop, who))["earned"] for who in (shop.mei, shop.li, wu)] == [1_200, 10, 5]


async def test_nobody_chooses_the_id_of_what_a_till_lets_her_spend(shop: Shop) -> None:
    taken = str(uuid5(shop.li, "as a till's spending is called"))
    for path, body in (
        ("holds", {"hold_id": taken, "points": 1, "seconds": 60}),
        ("redemptions", {"redemption_id": taken, "points": 1}),
    ):
        answer = await shop.calling.call("POST", f"/v1/accounts/{shop.li}/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    answer = await shop.calling.call("POST", f"/v1/baskets/{taken}/commit", shop.basket())
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
