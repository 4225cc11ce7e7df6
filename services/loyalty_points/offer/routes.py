"""Headquarters words offers of coupons, and reads them."""

from datetime import UTC, datetime
from typing import Any

from services.loyalty_points.offer.domain import OfferCode, WordOffer, offer_id
from services.loyalty_points.offer.shown import shown
from services.loyalty_points.offer.terms import OfferTerms
from shared.http import Here, Route, Who, Why, reading
from shared.performing import perform_one

_ALL = """
SELECT o.code, o.number, o.issued, v.terms::text AS terms
FROM coupon_offer o JOIN coupon_offer_version v USING (offer_id, number) ORDER BY o.code
"""


async def put(code: OfferCode, terms: OfferTerms, at: Here, cause: Why) -> dict[str, Any]:
    """Let coupons be issued under these terms; those that customers have stay as they were issued."""
    command = WordOffer(at=datetime.now(UTC), offer_id=offer_id(code), code=code, terms=terms)
    return {"version": (await perform_one(at, command, cause)).version}


async def offers(at: Here, caller: Who) -> dict[str, Any]:
    """Return every offer as it is issued now, and how many of its coupons are out."""
    async with reading(at, caller) as tx:
        rows = await tx.fetch(_ALL)
    return {
        "offers": [
            {
                "code": row["code"],
                "version": row["number"],
                "issued": row["issued"],
                "terms": shown(OfferTerms.model_validate_json(row["terms"])),
            }
            for row in rows
        ]
    }


ROUTES = (
    Route("PUT", "/v1/coupon-offers/{code}", put, frozenset({"headquarters"})),
    Route("GET", "/v1/coupon-offers", offers, frozenset({"staff", "headquarters"})),
)
