"""The dated terms of points: how many a receipt earns, and how long they live. Pure; minor units before tax."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.loyalty_points.acts import REFERRAL, Act
from services.loyalty_points.basket.terms import BasketTerms
from services.loyalty_points.desk_terms import PRESET as DESK
from services.loyalty_points.desk_terms import DeskTerms
from services.loyalty_points.earning import Decimal, Earning, Name
from services.loyalty_points.lifetime import MOST_DAYS, AtYearEnd, Expiry


def _descending(days: tuple[int, ...]) -> tuple[int, ...]:
    if list(days) != sorted(set(days), reverse=True):
        raise ValueError("notices descend")
    return days


Day = Annotated[int, Field(ge=1, le=MOST_DAYS)]
Acts = Annotated[dict[Name, Act], Field(max_length=200)]
NoticesDays = Annotated[tuple[Day, ...], Field(max_length=5), AfterValidator(_descending)]


class Terms(BaseModel):
    """Points per whole unit of the currency, as decimal text, and how many minor units make a whole one.

    A point is worth `point_minor` minor units where it is spent.

    Points wait `pending_days`, then can be spent until `expiry`; `notices_days` before that it is said that they will.
    `earning` says what differs by line, tier and time, `acts` what is earned without a receipt, `desk`
    what one till and one person may do, `basket` what each tier pays.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points_per_unit: Decimal = "1"
    minor_per_unit: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    point_minor: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    pending_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 0
    expiry: Expiry = AtYearEnd()
    basket: BasketTerms = BasketTerms()
    notices_days: NoticesDays = (30, 7)
    earning: Earning = Earning()
    acts: Acts = {"referral": REFERRAL}
    desk: DeskTerms = DESK


PRESET = Terms()
