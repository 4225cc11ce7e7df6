"""Every version of every offer, and how many coupons are out under it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.loyalty_points.offer.domain import OfferWorded, WordOffer
from services.loyalty_points.offer.terms import OfferTerms
from shared.message import Command, Envelope
from shared.postgres import Tx

_WORD = "INSERT INTO coupon_offer_version (offer_id, number, terms) VALUES ($1, $2, $3::jsonb)"
_LATEST = """
INSERT INTO coupon_offer (offer_id, code, number) VALUES ($1, $2, $3)
ON CONFLICT (offer_id) DO UPDATE SET number = excluded.number
"""
_WORDED = "SELECT code FROM coupon_offer WHERE code = ANY ($1::text[])"
# the row is the queue in which coupons of an offer are counted; its words may be new when the turn has come
_LOCK = """
SELECT offer_id, code, number, issued FROM coupon_offer
WHERE offer_id = ANY ($1::uuid[]) ORDER BY offer_id FOR NO KEY UPDATE
"""
_WORDS = """
SELECT o.offer_id, v.terms::text AS terms FROM coupon_offer o JOIN coupon_offer_version v USING (offer_id, number)
WHERE o.offer_id = ANY ($1::uuid[])
"""


@dataclass(frozen=True)
class Offered:
    """An offer as its coupons are issued now, and how many of them are out."""

    code: str
    number: int
    issued: int
    terms: OfferTerms


async def gather(_tx: Tx, commands: Sequence[WordOffer], /) -> Sequence[Command]:
    """Bring nothing: an offer's words need no more than its stream."""
    return commands


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep each version, and which is the latest."""
    for event in (envelope.event for envelope in events):
        if isinstance(event, OfferWorded):
            await tx.execute(_LATEST, event.offer_id, event.code, event.number)
            await tx.execute(_WORD, event.offer_id, event.number, event.terms.model_dump_json())


async def worded(tx: Tx, codes: Sequence[str]) -> set[str]:
    """Return which of the offers there are."""
    return {row["code"] for row in await tx.fetch(_WORDED, codes)}


async def lock(tx: Tx, offers: Iterable[UUID]) -> Mapping[UUID, Offered]:
    """Return the offers that there are; nobody else counts their coupons until the transaction ends."""
    asked = sorted(set(offers))
    rows = await tx.fetch(_LOCK, asked)
    words = {row["offer_id"]: OfferTerms.model_validate_json(row["terms"]) for row in await tx.fetch(_WORDS, asked)}
    return {row["offer_id"]: Offered(row["code"], row["number"], row["issued"], words[row["offer_id"]]) for row in rows}
