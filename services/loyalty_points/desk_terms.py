"""The dated terms of the desk: what a till may hold for being offline, and what one person may forgive alone. Pure."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import LARGEST

Limit = Annotated[int, Field(ge=0, le=LARGEST)]
Days = Annotated[int, Field(ge=1, le=366)]


class DeskTerms(BaseModel):
    """A customer's points that one till holds at once, and the debt forgiven without a second person, in so many days.

    A request for a second person lapses after `asked_days`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    offline_points: Limit = 500
    forgiven_alone: Limit = 500
    alone_days: Days = 30
    asked_days: Days = 7


PRESET = DeskTerms()
