"""A shop over HTTP: a member with a thousand points and a coupon, somebody else, and baskets at the counter."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from tests.services.loyalty_points.calling import Calling

PERCENT = {"benefit": {"kind": "percent", "payable": "0.5"}}


@dataclass
class Shop:
    """Mei is a member of no tier yet (90%) with 1,000 points; her coupons are half the price, unless told otherwise."""

    calling: Calling
    mei: UUID
    li: UUID
    coupon: UUID = field(default_factory=uuid4)

    async def coupon_of(self, who: UUID, words: dict[str, Any] | None = None) -> UUID:
        """Return a new coupon of an offer with these words."""
        offer, coupon_id = f"offer-{uuid4()}", uuid4()
        await self.calling.told("PUT", f"/v1/coupon-offers/{offer}", words or PERCENT, "headquarters")
        body = {"coupon_id": str(coupon_id), "offer": offer}
        await self.calling.told("POST", f"/v1/accounts/{who}/coupons", body)
        return coupon_id

    async def status(self, coupon_id: UUID, who: UUID | None = None) -> str:
        told = (await self.calling.told("GET", f"/v1/accounts/{who or self.mei}/coupons"))["coupons"]
        (status,) = (one["status"] for one in told if one["coupon_id"] == str(coupon_id))
        return str(status)

    async def account(self) -> tuple[int, int]:
        """Return Mei's available and redeemed points."""
        told = await self.calling.told("GET", f"/v1/accounts/{self.mei}")
        return told["available"], told["redeemed"]

    def basket(self, **more: Any) -> dict[str, Any]:
        """Return a basket of two lines, of 100.00 and 3.33, with her coupon and 500 points."""
        lines = [
            {"line": 1, "code": "CUT", "kind": "service", "list_minor": 10_000},
            {"line": 2, "code": "WAX", "kind": "product", "list_minor": 333},
        ]
        told = {"customer_id": str(self.mei), "branch": "TOR1", "zone": "America/Toronto", "currency": "CAD"}
        return told | {"lines": lines, "coupon_id": str(self.coupon), "points": 500} | more


async def opened(calling: Calling) -> Shop:
    """Return the shop, open."""
    shop = Shop(calling, await calling.member(1_000), await calling.member(10))
    shop.coupon = await shop.coupon_of(shop.mei)
    return shop
