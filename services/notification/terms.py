"""The dated terms of messages. Pure."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Terms(BaseModel):
    """How old a joining may be to be greeted: what an import brings in is history, and greets nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    welcome_within_hours: Annotated[int, Field(ge=0, le=24 * 365)] = 72

    @property
    def welcome_within(self) -> timedelta:
        return timedelta(hours=self.welcome_within_hours)
