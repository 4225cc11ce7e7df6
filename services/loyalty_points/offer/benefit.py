"""What a coupon is good for: money off, a percentage, a free item, some of many free, or a gift. Pure; minor units."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import LARGEST
from services.loyalty_points.ratio import Ratio

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]  # as tills know items and branches
Few = Annotated[int, Field(ge=1, le=100)]


class _Benefit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MoneyOff(_Benefit):
    """So much less, at most what the items cost."""

    kind: Literal["money-off"] = "money-off"
    off_minor: Annotated[int, Field(ge=1, le=LARGEST)]


class Percent(_Benefit):
    """Only a part is paid: "0.85" is 八五折."""

    kind: Literal["percent"] = "percent"
    payable: Ratio


class FreeItem(_Benefit):
    """So many units are free, the dearest first."""

    kind: Literal["free-item"] = "free-item"
    units: Few = 1


class BuyGet(_Benefit):
    """Of every `buy` + `free` units, dearest first, the last `free` cost nothing; at most so many times."""

    kind: Literal["buy-get"] = "buy-get"
    buy: Few
    free: Few = 1
    times: Few = 1


class Gift(_Benefit):
    """Something is given along: nothing costs less."""

    kind: Literal["gift"] = "gift"
    code: Code
    units: Few = 1


Benefit: TypeAlias = Annotated[MoneyOff | Percent | FreeItem | BuyGet | Gift, Field(discriminator="kind")]
