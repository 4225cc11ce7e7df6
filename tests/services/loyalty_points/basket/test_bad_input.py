"""What is sent wrong about baskets: each its code, and neither coupon nor points nor basket changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.loyalty_points.coupon.issuing import IssueCoupon
from services.loyalty_points.offer.domain import offer_id
from shared.performing import perform_one
from tests.services.loyalty_points.basket.shop import PERCENT, Shop, opened
from tests.services.loyalty_points.calling import CAUSE, Calling

LINE = {"line": 1, "code": "CUT", "kind": "service", "list_minor": 10_000}


@pytest.fixture
async def shop(calling: Calling) -> Shop:
    return await opened(calling)


MALFORMED: dict[str, dict[str, Any]] = {
    "no lines": {"lines": []},
    "too many lines": {"lines": [LINE | {"line": number} for number in range(1, 202)]},
    "a line twice": {"lines": [LINE, LINE]},
    "less than nothing": {"lines": [LINE | {"list_minor": -1}]},
    "more than can be counted": {"lines": [LINE | {"list_minor": 2**63}]},
    "half a cent": {"lines": [LINE | {"list_minor": 0.5}]},
    "money in words": {"lines": [LINE | {"list_minor": "100"}]},
    "none of it": {"lines": [LINE | {"quantity": 0}]},
    "more units than a basket holds": {"lines": [LINE | {"quantity": 2**63}]},
    "a line before the first": {"lines": [LINE | {"line": 0}]},
    "a code without a letter": {"lines": [LINE | {"code": ""}]},
    "a code with a nought": {"lines": [LINE | {"code": "A\x00"}]},
    "a price of one's own": {"lines": [LINE | {"net_minor": 1}]},
    "less than no points": {"points": -1},
    "more points than can be counted": {"points": 2**63},
    "half a point": {"points": 0.5},
    "no zone": {"zone": "Mars/Olympus"},
    "no currency": {"currency": "dollars"},
    "no branch": {"branch": ""},
    "an id that is none": {"coupon_id": "7"},
    "a name for a customer": {"customer_id": "Mei"},
    "a tier of one's own": {"tier": "diamond"},
}


async def written(shop: Shop) -> int:
    count: int = await shop.calling.running.pool.fetchval("SELECT count(*) FROM event")
    return count


async def test_what_is_malformed_is_neither_quoted_nor_committed(shop: Shop) -> None:
    before = await written(shop)
    for what, wrong in MALFORMED.items():
        for path in ("quote", f"{uuid4()}/commit"):
            answer = await shop.calling.call("POST", f"/v1/baskets/{path}", shop.basket(**wrong))
            assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), (what, path)
    assert await written(shop) == before


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "the coupon of another": ({"coupon_id": "{lis}"}, "coupon-of-another"),
    "a coupon, and nobody known": ({"customer_id": None, "points": 0}, "coupon-of-another"),
    "points, and nobody known": ({"customer_id": None, "coupon_id": None}, "not-enough-points"),
    "a customer of whom nothing is known": ({"customer_id": "{nobody}", "coupon_id": None}, "not-enough-points"),
    "a coupon of nobody": ({"coupon_id": "{nobody}"}, "coupon-unknown"),
    "a coupon that is over": ({"coupon_id": "{expired}"}, "coupon-expired"),
    "a coupon that is yet to come": ({"coupon_id": "{waiting}"}, "coupon-inactive"),
    "a coupon of another branch": ({"branch": "TOR2", "coupon_id": "{tied}"}, "coupon-wrong-branch"),
    "a coupon for another item": ({"lines": [LINE | {"code": "DYE"}], "coupon_id": "{tied}"}, "coupon-no-such-item"),
    "too little for the coupon": (
        {"lines": [LINE | {"list_minor": 1_110}], "coupon_id": "{tied}"},
        "coupon-below-minimum",
    ),
    "another currency": ({"currency": "CNY", "coupon_id": "{tied}"}, "coupon-other-currency"),
    "another weekday": ({"coupon_id": "{never}"}, "coupon-wrong-weekday"),
    "a voided coupon": ({"coupon_id": "{voided}"}, "coupon-voided"),
    "points that she has not": ({"points": 1_001}, "not-enough-points"),
    "all points there are": ({"points": 2**53 - 1}, "not-enough-points"),
    "a total that was never shown": ({"expected_minor": 1}, "basket-costs-otherwise"),
}


async def coupons(shop: Shop) -> dict[str, str]:
    """Return a coupon for each name in braces."""
    tied = {"branches": ["TOR1"], "codes": ["CUT"], "minimum_minor": 1_000, "currency": "CAD"}
    in_three_days = (datetime.now(ZoneInfo("America/Toronto")) + timedelta(days=3)).isoweekday()
    hers = {
        "lis": await shop.coupon_of(shop.li),
        "nobody": uuid4(),
        "tied": await shop.coupon_of(shop.mei, PERCENT | tied),
        "waiting": await shop.coupon_of(shop.mei, PERCENT | {"activation_days": 1}),
        "never": await shop.coupon_of(shop.mei, PERCENT | {"weekdays": [in_three_days]}),
        "voided": await shop.coupon_of(shop.mei),
        "expired": uuid4(),
    }
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/coupons/{hers['voided']}/void", {"reason": "x"})
    await shop.calling.told("PUT", "/v1/coupon-offers/short", PERCENT | {"valid_days": 1}, "headquarters")
    long_ago = datetime.now(UTC) - timedelta(days=2)
    issue = IssueCoupon(at=long_ago, customer_id=shop.mei, coupon_id=hers["expired"], offer_id=offer_id("short"))
    await perform_one(shop.calling.running, issue, CAUSE)
    return {name: str(coupon_id) for name, coupon_id in hers.items()}


async def test_what_does_not_fit_has_its_code_in_a_quote_and_refuses_a_commit(shop: Shop) -> None:
    named = await coupons(shop)
    before = await written(shop)
    for what, (wrong, code) in REFUSED.items():
        filled = {k: v.format(**named) if isinstance(v, str) else v for k, v in wrong.items()}
        answer = await shop.calling.call("POST", f"/v1/baskets/{uuid4()}/commit", shop.basket(**filled))
        assert (answer.status_code, answer.json()["code"]) == (409, code), what
        if "expected_minor" not in wrong:
            told = await shop.calling.told("POST", "/v1/baskets/quote", shop.basket(**filled))
            assert code in [one["code"] for one in told["refused"]], what
    assert await written(shop) == before
    assert (await shop.account(), await shop.status(shop.coupon)) == ((1_000, 0), "active")


async def test_a_basket_is_committed_with_one_body_alone(shop: Shop) -> None:
    path = f"/v1/baskets/{uuid4()}/commit"
    await shop.calling.told("POST", path, shop.basket(points=0))
    before = await written(shop)
    for other in (
        {"points": 1},
        {"points": 0, "branch": "TOR2"},
        {"points": 0, "lines": [LINE]},
        {"customer_id": None},
    ):
        answer = await shop.calling.call("POST", path, shop.basket(**other))
        assert (answer.status_code, answer.json()["code"]) == (409, "basket-differs"), other
    assert await written(shop) == before


async def test_points_that_were_spent_before_under_the_baskets_id_do_not_pay_for_it(shop: Shop) -> None:
    basket_id = str(uuid4())
    body = {"redemption_id": basket_id, "points": 500}
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/redemptions", body)
    before = await written(shop)
    for with_coupon in ({}, {"coupon_id": None}):
        answer = await shop.calling.call("POST", f"/v1/baskets/{basket_id}/commit", shop.basket(**with_coupon))
        assert (answer.status_code, answer.json()["code"]) == (409, "redemption-differs")
    assert await written(shop) == before


async def test_a_basket_that_nobody_committed_is_neither_shown_nor_undone(shop: Shop) -> None:
    path = f"/v1/baskets/{uuid4()}"
    shown = await shop.calling.call("GET", path)
    assert (shown.status_code, shown.json()["code"]) == (404, "basket-unknown")
    undone = await shop.calling.call("POST", f"{path}/roll-back", {"reason": "sale-void"})
    assert (undone.status_code, undone.json()["code"]) == (404, "basket-unknown")
    told = await shop.calling.call("POST", f"{path}/roll-back", {"reason": "She was angry"})
    assert (told.status_code, told.json()["code"]) == (422, "malformed")


async def test_baskets_are_for_people_not_for_tills(shop: Shop) -> None:
    path = f"/v1/baskets/{uuid4()}"
    for method, where in (("GET", path), ("POST", path + "/commit"), ("POST", path + "/roll-back")):
        answer = await shop.calling.call(method, where, shop.basket(), "till")
        assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")
    answer = await shop.calling.call("POST", "/v1/baskets/quote", shop.basket(), "till")
    assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")
