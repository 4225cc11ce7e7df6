"""The dated terms of baskets: what each tier pays, and what stops the later steps. Pure."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.loyalty_points.offer.benefit import Code
from services.loyalty_points.ratio import Ratio


class TierPrice(BaseModel):
    """What members of a tier pay of the listed price (MEM-4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: Annotated[str, Field(min_length=1, max_length=40)]
    payable: Ratio


class BasketTerms(BaseModel):
    """Tiers lowest first: a member of whom no tier is known, or another one, pays the first's price.

    Items whose code is among `exclusive_codes` have no step after the tier price: neither coupon nor points.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier_prices: Annotated[tuple[TierPrice, ...], Field(max_length=20)] = (
        TierPrice(tier="ordinary", payable="0.90"),
        TierPrice(tier="silver", payable="0.85"),
        TierPrice(tier="gold", payable="0.80"),
        TierPrice(tier="diamond", payable="0.75"),
    )
    exclusive_codes: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _one_price_a_tier(self) -> "BasketTerms":
        if len({price.tier for price in self.tier_prices}) < len(self.tier_prices):
            raise ValueError("a tier has one price")
        return self

    def price_of(self, tier: str | None) -> TierPrice | None:
        """Return what a member of the tier pays; None is the listed price."""
        named = (price for price in self.tier_prices if price.tier == tier)
        return next(named, self.tier_prices[0] if self.tier_prices else None)
