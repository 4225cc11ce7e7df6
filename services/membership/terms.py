"""The dated terms of membership: what joining takes, and the tiers. Pure; amounts are minor units before tax."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.money import LARGEST


class Tier(BaseModel):
    """A rank of members; it begins at that much spend in the window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=40)]
    from_minor: Annotated[int, Field(ge=0, le=LARGEST)]


class Terms(BaseModel):
    """What joining takes and the tiers, lowest first. The handbooks leave the thresholds open: these are ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    join_minimum_minor: Annotated[int, Field(ge=0, le=LARGEST)] = 500_00
    window_days: Annotated[int, Field(ge=1, le=3660)] = 365
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=20)] = (
        Tier(name="ordinary", from_minor=0),
        Tier(name="silver", from_minor=2_000_00),
        Tier(name="gold", from_minor=5_000_00),
        Tier(name="diamond", from_minor=10_000_00),
    )

    @model_validator(mode="after")
    def _ascending(self) -> "Terms":
        if any(low.from_minor >= high.from_minor for low, high in pairwise(self.tiers)):
            raise ValueError("tiers ascend")
        if len({tier.name for tier in self.tiers}) < len(self.tiers):
            raise ValueError("tiers have names of their own")
        return self

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.window_days)

    def rank(self, spend_minor: int) -> int:
        """Return the place of the tier for that spend, from 0; whoever is below the lowest has the lowest."""
        return max((place for place, tier in enumerate(self.tiers) if spend_minor >= tier.from_minor), default=0)


PRESET = Terms()
