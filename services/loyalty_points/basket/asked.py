"""What is asked of a basket, and what it comes to. Pure; amounts are minor units before tax, points whole."""

from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.money import LARGEST, Currency
from contracts.pos import LineKind
from services.loyalty_points.offer.benefit import Code
from services.loyalty_points.ratio import Ratio

MOST_LINES = 200
MOST_UNITS = 1000
LARGEST_LINE = LARGEST // MOST_LINES  # so that no sum of lines is too large for JSON


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("not an IANA time zone") from None
    return name


Zone = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$"), AfterValidator(_zone)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(_Told):
    """A line; `list_minor` is the listed price of all its units. An `exclusive` one has the tier price and no more."""

    line: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    code: Code
    kind: LineKind
    quantity: Annotated[int, Field(strict=True, ge=1, le=MOST_UNITS)] = 1
    list_minor: Annotated[int, Field(strict=True, ge=0, le=LARGEST_LINE)]
    exclusive: bool = False


class Asked(_Told):
    """A basket as the desk has it: who buys (or nobody known), where, what, and how she would like to pay less."""

    customer_id: UUID | None = None
    branch: Code
    zone: Zone
    currency: Currency
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=MOST_LINES)]
    coupon_id: UUID | None = None
    points: Annotated[int, Field(strict=True, ge=0, le=LARGEST)] = 0

    @model_validator(mode="after")
    def _a_line_has_one_number(self) -> "Asked":
        if len({line.line for line in self.lines}) < len(self.lines):
            raise ValueError("lines have numbers of their own")
        return self


class Step(_Told):
    """What a step of the stacking order took off, by line. `payable` and `off` are a percentage from both sides."""

    step: Literal["tier", "coupon", "points"]
    off_minor: int
    by_line: dict[int, int]
    tier: str | None = None
    payable: Ratio | None = None
    off: str | None = None
    coupon_id: UUID | None = None
    offer: str | None = None
    offer_version: int | None = None
    gift: str | None = None
    gift_units: int = 0
    points: int = 0


class Refused(_Told):
    """A step that was asked for and does not fit: its code, and the facts."""

    step: Literal["coupon", "points"]
    code: str
    facts: dict[str, Any] = {}


class PricedLine(_Told):
    """A line with what it costs after all steps."""

    line: int
    list_minor: int
    net_minor: int


class Priced(_Told):
    """What a basket costs, step by step, and what it will earn."""

    list_minor: int
    total_minor: int
    lines: tuple[PricedLine, ...]
    steps: tuple[Step, ...] = ()
    refused: tuple[Refused, ...] = ()
    earns: int = 0
