"""What the desk does with a customer's points: puts them by, spends them, gives them back.

`seconds` are how long points are held; points are whole.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.loyalty_points.chosen import Chosen
from services.loyalty_points.domain import (
    AccountCommand,
    CapturePoints,
    HoldPoints,
    RedeemPoints,
    ReleaseHold,
)
from services.loyalty_points.routes.doing import ONE, PEOPLE, Points, perform
from shared.http import Here, Once, Route, Who, Why

LONGEST_HOLD = 7 * 24 * 3600


class Holding(Points):
    """What shall be held, and for how long."""

    hold_id: Chosen
    seconds: Annotated[int, Field(ge=1, le=LONGEST_HOLD)]


class Capture(Points):
    """What of a hold is spent."""


class Redemption(Points):
    """What is spent at once."""

    redemption_id: Chosen


async def hold(customer_id: UUID, body: Holding, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Put points by; answers 409 `not-enough-points` with what is available."""

    def command(now: datetime) -> AccountCommand:
        until = now + timedelta(seconds=body.seconds)
        return HoldPoints(at=now, customer_id=customer_id, hold_id=body.hold_id, points=body.points, until=until)

    return await perform(at, customer_id, body, command, cause, once)


async def capture(
    customer_id: UUID, hold_id: UUID, body: Capture, at: Here, caller: Who, cause: Why, once: Once
) -> dict[str, Any]:
    """Spend of a hold, at most all of it; the rest goes back."""

    def command(now: datetime) -> AccountCommand:
        return CapturePoints(at=now, customer_id=customer_id, hold_id=hold_id, points=body.points, branch=caller.branch)

    return await perform(at, customer_id, body, command, cause, once)


async def release(customer_id: UUID, hold_id: UUID, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Give held points back."""

    def command(now: datetime) -> AccountCommand:
        return ReleaseHold(at=now, customer_id=customer_id, hold_id=hold_id)

    return await perform(at, customer_id, None, command, cause, once)


async def redeem(customer_id: UUID, body: Redemption, at: Here, caller: Who, cause: Why, once: Once) -> dict[str, Any]:
    """Spend points at the desk."""

    def command(now: datetime) -> AccountCommand:
        return RedeemPoints(
            at=now,
            customer_id=customer_id,
            redemption_id=body.redemption_id,
            points=body.points,
            branch=caller.branch,
        )

    return await perform(at, customer_id, body, command, cause, once)


ROUTES = (
    Route("POST", ONE + "/holds", hold, PEOPLE),
    Route("POST", ONE + "/holds/{hold_id}/capture", capture, PEOPLE),
    Route("POST", ONE + "/holds/{hold_id}/release", release, PEOPLE),
    Route("POST", ONE + "/redemptions", redeem, PEOPLE),
)
