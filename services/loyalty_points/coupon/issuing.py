"""A coupon is issued to a customer while the offer has some left, for her and for all. Pure."""

from uuid import UUID

from contracts.loyalty_points import CouponIssued, CouponKind
from services.loyalty_points.coupon.life import Coupon, CouponEvent
from services.loyalty_points.offer.terms import OfferTerms
from shared.errors import Rejected
from shared.message import Command


class IssueCoupon(Command):
    """Give a customer a coupon of an offer; `source` is a code for what led to it."""

    customer_id: UUID
    coupon_id: UUID
    offer_id: UUID
    source: str = ""
    offer: str = ""  # these five brought by guards.gather: the offer's code,
    number: int = 0  # its latest version
    terms: OfferTerms | None = None  # and terms,
    taken: int = 0  # and how many of its coupons are out
    taken_by_her: int = 0  # and hers


def issue(command: IssueCoupon, coupon: Coupon) -> list[CouponEvent]:
    """Say that she has it; the same again says nothing."""
    if coupon.customer_id:
        if (coupon.customer_id, coupon.offer) == (command.customer_id, command.offer):
            return []
        raise Rejected("coupon-differs", coupon_id=command.coupon_id)
    terms = available(command)
    active_from, expires_at = terms.active_from(command.at), terms.expires_at(command.at)
    return [
        CouponIssued(
            at=command.at,
            customer_id=command.customer_id,
            coupon_id=command.coupon_id,
            offer=command.offer,
            offer_version=command.number,
            kind=CouponKind(terms.benefit.kind),
            active_from=active_from,
            expires_at=expires_at,
            source=command.source,
        )
    ]


def available(command: IssueCoupon) -> OfferTerms:
    """Return the terms of the offer; raise Rejected when it has none left."""
    terms = command.terms
    if terms is None:
        raise Rejected("offer-unknown")
    if terms.total is not None and command.taken >= terms.total:
        raise Rejected("offer-exhausted", total=terms.total)
    if terms.per_person is not None and command.taken_by_her >= terms.per_person:
        raise Rejected("offer-exhausted-for-customer", per_person=terms.per_person)
    expires_at = terms.expires_at(command.at)
    if expires_at and expires_at <= terms.active_from(command.at):
        raise Rejected("offer-over", expires_at=expires_at.isoformat())
    return terms
