"""A customer's birthday: the vault has month and day, her stream the month alone. Pure.

Points may be worth more in that month, so a month that was told stands for a year: else whoever told another one each
month would have her birthday all year. Within a day anybody may put it right, as if it had been told so at once;
headquarters may at any time, from then on.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.membership import BirthdayMonthTold
from services.membership.customer import Customer
from shared.errors import Rejected
from shared.message import Command
from shared.replacing import replace

LEAP_YEAR = 2000
STANDS = timedelta(days=365)
SLIP = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


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
    """The customer's birthday is in this month; `is_put_right` where headquarters says so."""

    customer_id: UUID
    month: int
    is_put_right: bool = False


def tell(command: TellBirthdayMonth, customer: Customer) -> Iterator[BirthdayMonthTold]:
    """Yield the month, unless it is the one that was told last; raise Rejected while another one stands."""
    if command.month == customer.birthday_month:
        return
    since = customer.birthday_since
    at = command.at
    if since and customer.birthday_at and at < since + SLIP:
        at = customer.birthday_at + MOMENT
    elif since and not command.is_put_right and at < since + STANDS:
        raise Rejected("birthday-stands", until=(since + STANDS).isoformat())
    yield BirthdayMonthTold(at=at, customer_id=command.customer_id, month=command.month)


def told(customer: Customer, event: BirthdayMonthTold) -> Customer:
    """Return the customer after a month was told: what puts a month right begins no new year of its own."""
    since = customer.birthday_since
    begins = since is None or event.at >= since + STANDS
    since = event.at if begins else since
    return replace(customer, birthday_month=event.month, birthday_since=since, birthday_at=event.at)
