"""An offer's terms as they are shown: a percentage from both sides. Pure."""

from typing import Any

from services.loyalty_points.offer.benefit import Percent
from services.loyalty_points.offer.terms import OfferTerms
from services.loyalty_points.ratio import taken_off


def shown(terms: OfferTerms) -> dict[str, Any]:
    """Return the terms; what is a set there is in order here."""
    told = terms.model_dump(mode="json")
    told |= {name: sorted(told[name]) for name in ("branches", "kinds", "codes", "weekdays")}
    if isinstance(terms.benefit, Percent):
        told["benefit"]["off"] = taken_off(terms.benefit.payable)
    return told
