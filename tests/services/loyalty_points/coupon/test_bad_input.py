"""What is sent wrong about offers and coupons: each its code, and nothing changes."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.services.loyalty_points.calling import Calling

PERCENT = {"benefit": {"kind": "percent", "payable": "0.85"}}


@dataclass
class Shop:
    """Two customers: the first has a coupon, one that is locked, and one that was voided; she may have no more."""

    calling: Calling
    mei: UUID
    li: UUID
    coupon: UUID = field(default_factory=uuid4)
    locked: UUID = field(default_factory=uuid4)
    voided: UUID = field(default_factory=uuid4)
    session: UUID = field(default_factory=uuid4)

    def names(self) -> dict[str, str]:
        told = {name: str(getattr(self, name)) for name in ("mei", "li", "coupon", "locked", "voided", "session")}
        return told | {"nobody": str(uuid4()), "new": str(uuid4())}

    async def coupons(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        for who in (self.mei, self.li):
            told += (await self.calling.told("GET", f"/v1/accounts/{who}/coupons"))["coupons"]
        return told

    async def everything(self) -> tuple[Any, ...]:
        return await self.coupons(), await self.calling.told("GET", "/v1/coupon-offers")


@pytest.fixture
async def shop(calling: Calling) -> Shop:
    shop = Shop(calling, await calling.member(10), await calling.member(10))
    await calling.told("PUT", "/v1/coupon-offers/welcome", PERCENT | {"per_person": 2}, "headquarters")
    hers = f"/v1/accounts/{shop.mei}/coupons"
    for coupon_id in (shop.voided, shop.coupon, shop.locked):
        await calling.told("POST", hers, {"coupon_id": str(coupon_id), "offer": "welcome"})
        if coupon_id == shop.voided:
            await calling.told("POST", f"{hers}/{shop.voided}/void", {"reason": "our-mistake"})
    await calling.told("POST", f"{hers}/{shop.locked}/lock", {"session_id": str(shop.session), "seconds": 600})
    return shop


HERS = "/v1/accounts/{mei}/coupons"
ISSUE = {"coupon_id": "{new}", "offer": "welcome"}
LOCK = {"session_id": "{new}", "seconds": 60}
VOID = {"reason": "our-mistake"}
OFFER = "/v1/coupon-offers/other"

TABLE: dict[str, tuple[str, str, Any, int, str]] = {
    "a coupon for nobody": ("POST", "/v1/accounts/{nobody}/coupons", ISSUE, 404, "account-unknown"),
    "coupons of nobody": ("GET", "/v1/accounts/{nobody}/coupons", None, 404, "account-unknown"),
    "a coupon of no offer": ("POST", HERS, ISSUE | {"offer": "none"}, 409, "offer-unknown"),
    "an offer's name in words": ("POST", HERS, ISSUE | {"offer": "For Mei!"}, 422, "malformed"),
    "one too many": ("POST", HERS, ISSUE, 409, "offer-exhausted-for-customer"),
    "another's coupon issued": (
        "POST",
        "/v1/accounts/{li}/coupons",
        ISSUE | {"coupon_id": "{coupon}"},
        409,
        "coupon-differs",
    ),
    "no coupon": ("POST", HERS, {"offer": "welcome"}, 422, "malformed"),
    "an id that is none": ("POST", HERS, ISSUE | {"coupon_id": "7"}, 422, "malformed"),
    "a lock of nothing": ("POST", HERS + "/{nobody}/lock", LOCK, 409, "coupon-unknown"),
    "a lock of another's": ("POST", "/v1/accounts/{li}/coupons/{coupon}/lock", LOCK, 409, "coupon-of-another"),
    "a lock of what is locked": ("POST", HERS + "/{locked}/lock", LOCK, 409, "coupon-locked"),
    "a lock of what is voided": ("POST", HERS + "/{voided}/lock", LOCK, 409, "coupon-voided"),
    "no time": ("POST", HERS + "/{coupon}/lock", LOCK | {"seconds": 0}, 422, "malformed"),
    "less than no time": ("POST", HERS + "/{coupon}/lock", LOCK | {"seconds": -1}, 422, "malformed"),
    "all the time": ("POST", HERS + "/{coupon}/lock", LOCK | {"seconds": 2**63}, 422, "malformed"),
    "another session's lock let go": (
        "POST",
        HERS + "/{locked}/unlock",
        {"session_id": "{new}"},
        409,
        "lock-unknown",
    ),
    "a lock that is none let go": ("POST", HERS + "/{coupon}/unlock", {"session_id": "{session}"}, 409, "lock-unknown"),
    "another's coupon voided": ("POST", "/v1/accounts/{li}/coupons/{coupon}/void", VOID, 409, "coupon-of-another"),
    "a reason in a sentence": ("POST", HERS + "/{coupon}/void", {"reason": "Mei is rude"}, 422, "malformed"),
    "an offer of nothing": ("PUT", OFFER, {}, 422, "malformed"),
    "an offer of what is unknown": ("PUT", OFFER, {"benefit": {"kind": "luck"}}, 422, "malformed"),
    "an offer by staff": ("PUT", OFFER, PERCENT, 403, "role-not-allowed"),
    "more than everything": ("PUT", OFFER, {"benefit": {"kind": "percent", "payable": "1.01"}}, 422, "malformed"),
    "less than nothing": ("PUT", OFFER, {"benefit": {"kind": "percent", "payable": "-0.1"}}, 422, "malformed"),
    "a ratio that is a number": ("PUT", OFFER, {"benefit": {"kind": "percent", "payable": 0.85}}, 422, "malformed"),
    "money of no currency": ("PUT", OFFER, {"benefit": {"kind": "money-off", "off_minor": 500}}, 422, "malformed"),
    "more money than can be counted": (
        "PUT",
        OFFER,
        {"benefit": {"kind": "money-off", "off_minor": 2**63}, "currency": "CNY"},
        422,
        "malformed",
    ),
    "less money than none": (
        "PUT",
        OFFER,
        {"benefit": {"kind": "money-off", "off_minor": -1}, "currency": "CNY"},
        422,
        "malformed",
    ),
    "an eighth day of the week": ("PUT", OFFER, PERCENT | {"weekdays": [8]}, 422, "malformed"),
    "less than nobody": ("PUT", OFFER, PERCENT | {"total": -1}, 422, "malformed"),
    "an end without a zone": ("PUT", OFFER, PERCENT | {"valid_until": "2026-12-31T00:00:00"}, 422, "malformed"),
    "an offer's name with a space": ("PUT", "/v1/coupon-offers/two words", PERCENT, 422, "malformed"),
}


async def test_each_has_its_code_and_changes_nothing(shop: Shop) -> None:
    before, named = await shop.everything(), shop.names()
    for what, (method, path, body, status, code) in TABLE.items():
        filled = body and {k: v.format(**named) if isinstance(v, str) else v for k, v in body.items()}
        role = "headquarters" if method == "PUT" and status != 403 else "staff"
        answer = await shop.calling.call(method, path.format(**named), filled, role)
        assert (answer.status_code, answer.json()["code"]) == (status, code), what
    assert await shop.everything() == before


async def test_a_voided_coupon_leaves_its_place_to_another(shop: Shop) -> None:
    hers = f"/v1/accounts/{shop.mei}/coupons"
    await shop.calling.told("POST", f"{hers}/{shop.coupon}/void", {"reason": "our-mistake"})
    await shop.calling.told("POST", hers, {"coupon_id": str(uuid4()), "offer": "welcome"})
    assert [one["status"] for one in await shop.coupons()].count("voided") == 2


async def test_a_customers_coupons_keep_the_words_under_which_they_were_issued(shop: Shop) -> None:
    worse = {"benefit": {"kind": "percent", "payable": "0.95"}}
    await shop.calling.told("PUT", "/v1/coupon-offers/welcome", worse, "headquarters")
    new = uuid4()
    await shop.calling.told("POST", f"/v1/accounts/{shop.mei}/coupons", {"coupon_id": str(new), "offer": "welcome"})
    told = {one["coupon_id"]: one for one in await shop.coupons()}
    assert told[str(shop.coupon)]["terms"]["benefit"] == {"kind": "percent", "payable": "0.85", "off": "0.15"}
    assert told[str(new)]["terms"]["benefit"] == {"kind": "percent", "payable": "0.95", "off": "0.05"}
    assert (told[str(shop.locked)]["status"], told[str(shop.voided)]["status"]) == ("locked", "voided")
    offers = (await shop.calling.told("GET", "/v1/coupon-offers"))["offers"]
    assert [(one["code"], one["version"], one["issued"]) for one in offers] == [("welcome", 2, 3)]


async def test_coupons_are_for_people_not_for_tills(shop: Shop) -> None:
    hers = f"/v1/accounts/{shop.mei}/coupons"
    for method, path, body in (("GET", hers, None), ("POST", hers, {}), ("GET", "/v1/coupon-offers", None)):
        answer = await shop.calling.call(method, path, body, "till")
        assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")
