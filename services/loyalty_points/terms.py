"""The dated terms of points: how many a receipt earns. Pure; amounts are minor units before tax."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import LARGEST


class Terms(BaseModel):
    """Points per whole unit of the currency, as decimal text, and how many minor units make a whole one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points_per_unit: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")] = "1"
    minor_per_unit: Annotated[int, Field(ge=1, le=1_000_000)] = 100

    def points(self, left_minor: int) -> int:
        """Return the whole points that an amount is worth, rounded down; less than nothing is worth nothing."""
        whole, _, decimals = self.points_per_unit.partition(".")
        rate, scale = int(whole + decimals), int("1" + "0" * len(decimals))
        return min(LARGEST, max(0, left_minor) * rate // (scale * self.minor_per_unit))


PRESET = Terms()
