"""A customer's birthday: the vault has month and day, her stream the month alone. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.membership import BirthdayMonthTold
from services.membership.customer import Customer
from shared.message import Command

LEAP_YEAR = 2000


class Birthday(BaseModel):
    """Month and day of a birthday; of which year is nobody's business."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    month: Annotated[int, Field(strict=True, ge=1, le=12)]
    day: Annotated[int, Field(strict=True, ge=1, le=31)]

    @model_validator(mode="after")
    def _is_a_day(self) -> Self:
        try:
            date(LEAP_YEAR, self.month, self.day)
        except ValueError:
            raise ValueError("the month has no such day") from None
        return self

    @property
    def plain(self) -> str:
        """Return it as it is sealed: 02-29."""
        return f"{self.month:02}-{self.day:02}"


class TellBirthdayMonth(Command):
    """The customer's birthday is in this month."""

    customer_id: UUID
    month: int


def tell(command: TellBirthdayMonth, customer: Customer) -> Iterator[BirthdayMonthTold]:
    """Yield the month, unless it is the one that was told last."""
    if command.month != customer.birthday_month:
        yield BirthdayMonthTold(at=command.at, customer_id=command.customer_id, month=command.month)
