"""The words of an offer: what its coupons are good for, when, where, on what, and for how many. Pure.

A day of activation or validity is 24 hours from the coupon's own instant; weekdays are those of the branch's clock.
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.money import LARGEST, Currency
from contracts.pos import LineKind
from services.loyalty_points.lifetime import MOST_DAYS
from services.loyalty_points.offer.benefit import Benefit, Code, MoneyOff
from shared.message import Instant

Weekday = Annotated[int, Field(ge=1, le=7)]


class OfferTerms(BaseModel):
    """What is left empty asks nothing. `per_person` and `total` count coupons that were not voided; 0 ends an offer.

    `kinds` and `codes` say on which items it is good: either one will do. An `exclusive` one stops the steps after it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    benefit: Benefit
    currency: Currency | None = None
    activation_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 0
    valid_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    valid_until: Instant | None = None
    per_person: Annotated[int, Field(ge=1, le=1000)] | None = None
    total: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    branches: Annotated[frozenset[Code], Field(max_length=5000)] = frozenset()
    kinds: frozenset[LineKind] = frozenset()
    codes: Annotated[frozenset[Code], Field(max_length=1000)] = frozenset()
    weekdays: frozenset[Weekday] = frozenset()
    minimum_minor: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    exclusive: bool = False

    @model_validator(mode="after")
    def _money_has_a_currency(self) -> "OfferTerms":
        if self.currency is None and (self.minimum_minor or isinstance(self.benefit, MoneyOff)):
            raise ValueError("an amount of money has a currency")
        return self

    def active_from(self, issued_at: datetime) -> datetime:
        """Return when a coupon can be redeemed."""
        return issued_at + timedelta(days=self.activation_days)

    def expires_at(self, issued_at: datetime) -> datetime | None:
        """Return when it is over: whichever comes first; None is never."""
        ends = [self.valid_until] if self.valid_until else []
        if self.valid_days:
            ends.append(self.active_from(issued_at) + timedelta(days=self.valid_days))
        return min(ends, default=None)

    def is_good_on(self, kind: str, code: str) -> bool:
        """Return whether an item is among those that it is good on."""
        return not (self.kinds or self.codes) or kind in self.kinds or code in self.codes
