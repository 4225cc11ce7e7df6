"""What acts earn, as data: each so many points, perhaps so often within a period. Pure; whole points."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.loyalty_points.earning import WholePoints
from services.loyalty_points.periods import Period


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Part):
    """How often a customer may have it within a period of the calendar, by the branch's own days."""

    times: Annotated[int, Field(ge=1, le=10_000)]
    per: Period


class Act(_Part):
    """What an act earns."""

    points: WholePoints
    limit: Limit | None = None


REFERRAL = Act(points=200)  # MEM-7
