"""The dated terms of points: how many a receipt earns, and how long they live. Pure; minor units before tax."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.money import LARGEST
from services.loyalty_points.lifetime import MOST_DAYS, AtYearEnd, Expiry

Day = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class Terms(BaseModel):
    """Points per whole unit of the currency, as decimal text, and how many minor units make a whole one.

    A point is worth `point_minor` minor units where it is spent.

    Points wait `pending_days`, then can be spent until `expiry`; `notices_days` before that it is said that they will.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points_per_unit: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")] = "1"
    minor_per_unit: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    point_minor: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    pending_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 0
    expiry: Expiry = AtYearEnd()
    notices_days: Annotated[tuple[Day, ...], Field(max_length=5)] = (30, 7)

    @model_validator(mode="after")
    def _notices_descend(self) -> "Terms":
        if list(self.notices_days) != sorted(set(self.notices_days), reverse=True):
            raise ValueError("notices descend")
        return self

    def points(self, left_minor: int) -> int:
        """Return the whole points that an amount is worth, rounded down; less than nothing is worth nothing."""
        whole, _, decimals = self.points_per_unit.partition(".")
        rate, scale = int(whole + decimals), int("1" + "0" * len(decimals))
        return min(LARGEST, max(0, left_minor) * rate // (scale * self.minor_per_unit))


PRESET = Terms()
