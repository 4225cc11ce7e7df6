"""An offer of coupons as headquarters words it, version after version. Pure."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import Field

from services.loyalty_points.offer.terms import OfferTerms
from shared.message import Command, Event

SHAPE = 1
OfferCode = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]

_OFFERS = UUID("5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a03")


def offer_id(code: str) -> UUID:
    """Return the id of the offer with that code: the same for ever."""
    return uuid5(_OFFERS, code)


class WordOffer(Command):
    """Let the offer's coupons be issued under these terms from now on; those that have been issued keep theirs."""

    offer_id: UUID
    code: OfferCode
    terms: OfferTerms


class OfferWorded(Event):
    """An offer has new terms; versions count from 1."""

    offer_id: UUID
    code: str
    number: int
    terms: OfferTerms


@dataclass(frozen=True)
class CouponOffer:
    """The version that coupons are issued under now; 0 is none yet."""

    number: int = 0
    terms: OfferTerms | None = None


initial = CouponOffer()
COMMANDS = (WordOffer,)
EVENTS = (OfferWorded,)


def decide(command: WordOffer, offer: CouponOffer) -> list[OfferWorded]:
    """Say the new version; nothing when the terms are those that hold."""
    if offer.terms == command.terms:
        return []
    number = offer.number + 1
    return [
        OfferWorded(at=command.at, offer_id=command.offer_id, code=command.code, number=number, terms=command.terms)
    ]


def evolve(_offer: CouponOffer, event: OfferWorded) -> CouponOffer:
    """Hold the latest terms."""
    return CouponOffer(event.number, event.terms)
