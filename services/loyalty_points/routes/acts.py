"""What acts of a customer's earn, at the desk or at headquarters. Points are whole."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from services.loyalty_points.domain import AccountCommand, AwardPoints
from services.loyalty_points.domain.acts import ActId
from services.loyalty_points.domain.forgiving import Reason
from services.loyalty_points.earning import Name
from services.loyalty_points.routes.doing import ONE, PEOPLE, Body, perform
from shared.http import Here, Once, Route, Why


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone of the IANA list") from None


class Award(Body):
    """Which act, of what id among its kind, a code for why, and the branch with its IANA time zone."""

    act: Name
    act_id: ActId
    reason: Reason
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
    zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)]


async def award(customer_id: UUID, body: Award, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Give the points of an act; answers 409 `award-limit-reached` with the limit."""

    def command(now: datetime) -> AccountCommand:
        on = now.astimezone(ZoneInfo(body.zone)).date()
        return AwardPoints(at=now, customer_id=customer_id, on=on, **body.model_dump())

    return await perform(at, customer_id, None, command, cause, once)


ROUTES = (Route("POST", ONE + "/awards", award, PEOPLE),)
