"""What a till may say: the forms of its items, read strictly from JSON. Amounts are minor units; pure.

An unknown field, a float, a number beyond 2^53 or a NUL is not read as something else, nor a receipt of more than
MOST_MINOR: the item is malformed.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from contracts.money import Currency, Minor

MOST_LINES, MOST_PAYMENTS, MOST_OF_A_THING = 500, 50, 1_000_000
MOST_MINOR = 10**12  # of a receipt: millions of them can be added up in a bigint
MOST_POINTS = 10**12  # of a receipt, which may become a debt: thousands of them can be added up
OLDEST_YEAR, LATEST_YEAR = 2000, 2200

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Number = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x20|\x7f]*$")]


def _instant(told: Any) -> datetime:
    """Read ISO 8601 with a zone; a number, also one in a text, is no time."""
    if not isinstance(told, str) or told.isdigit():
        raise PydanticCustomError("time-malformed", "not a time")
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise PydanticCustomError("time-malformed", "not a time") from None
    if at.tzinfo is None:
        raise PydanticCustomError("time-without-zone", "a time without zone")
    if not OLDEST_YEAR <= at.year <= LATEST_YEAR:
        raise PydanticCustomError("time-out-of-range", "not a time of ours")
    return at.astimezone(UTC)


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Person(_Said):
    """Who: one of a phone number, a card, and the branch's own code for a client."""

    phone: Annotated[str, Field(max_length=200)] | None = None
    card: Code | None = None
    client: Code | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Person":
        if len(self.model_fields_set) != 1 or self.key[1] is None:
            raise PydanticCustomError("person-unclear", "just one of phone, card, client")
        if self.phone is not None and not 3 <= len(self.phone) <= 32:
            raise PydanticCustomError("phone-invalid", "not a phone number")
        return self

    @property
    def key(self) -> tuple[str, str]:
        """Return what names the person, and the name."""
        (by,) = self.model_fields_set
        return by, getattr(self, by)


class LineSaid(_Said):
    """A line; one without the field `customer` has the receipt's, an explicit null is nobody's."""

    code: Code
    name: Text
    kind: Literal["service", "product", "adjustment"]
    staff: Code | None = None
    quantity: Annotated[int, Field(ge=-MOST_OF_A_THING, le=MOST_OF_A_THING)] = 1
    list_minor: Minor
    net_minor: Minor
    customer: Person | None = None


class PaymentSaid(_Said):
    """A part of what was paid."""

    method: Code
    amount_minor: Minor


class SaleSaid(_Said):
    """A closed receipt."""

    receipt: Number
    currency: Currency
    customer: Person | None = None
    lines: Annotated[list[LineSaid], Field(min_length=1, max_length=MOST_LINES)]
    payments: Annotated[list[PaymentSaid], Field(max_length=MOST_PAYMENTS)] = []
    tax_minor: Minor = 0

    @model_validator(mode="after")
    def _can_be_added(self) -> "SaleSaid":
        if sum(abs(line.net_minor) for line in self.lines) > MOST_MINOR:
            raise PydanticCustomError("sum-too-large", "the lines add up to more than can be counted")
        return self

    @property
    def people(self) -> list[Person]:
        """Return everybody the receipt names."""
        return [person for person in (self.customer, *(line.customer for line in self.lines)) if person is not None]

    def customer_of(self, line: LineSaid) -> Person | None:
        """Return whose the line is."""
        return line.customer if "customer" in line.model_fields_set else self.customer


class BackSaid(_Said):
    """What is given back of a line."""

    line: Annotated[int, Field(ge=1, le=MOST_LINES)]
    amount_minor: Annotated[Minor, Field(gt=0)]


class RefundSaid(_Said):
    """A refund; `till` is the receipt's, and left out where it is the one that speaks."""

    receipt: Number
    till: Code | None = None
    currency: Currency
    lines: Annotated[list[BackSaid], Field(min_length=1, max_length=MOST_LINES)]


class PointsSaid(_Said):
    """Points that were spent on a receipt."""

    receipt: Number
    customer: Person
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)]


class CheckInSaid(_Said):
    """Somebody came in."""

    customer: Person | None = None


class _Item(_Said):
    occurred_at: Annotated[datetime, PlainValidator(_instant)]


class SaleItem(_Item):
    """An item of the type sale."""

    type: Literal["sale"]
    data: SaleSaid


class RefundItem(_Item):
    """An item of the type refund."""

    type: Literal["refund"]
    data: RefundSaid


class PointsItem(_Item):
    """An item of the type points."""

    type: Literal["points"]
    data: PointsSaid


class CheckInItem(_Item):
    """An item of the type check-in."""

    type: Literal["check-in"]
    data: CheckInSaid


AnyItem = SaleItem | RefundItem | PointsItem | CheckInItem
ITEMS: TypeAdapter[AnyItem] = TypeAdapter(Annotated[AnyItem, Field(discriminator="type")])


def people_of(item: AnyItem) -> list[Person]:
    """Return everybody the item names."""
    match item:
        case SaleItem(data=sale):
            return sale.people
        case PointsItem(data=PointsSaid(customer=person)) | CheckInItem(data=CheckInSaid(customer=Person() as person)):
            return [person]
        case _:
            return []
