"""What the desk does with rewards and allowances: hands them over, puts them by, takes a wrong gift back.

`seconds` are how long a reward is put by.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.loyalty_points.basket.committing import stands
from services.loyalty_points.chosen import Chosen
from services.loyalty_points.domain import (
    AccountCommand,
    AllowPoints,
    HoldReward,
    RedeemReward,
    ReverseRedemption,
)
from services.loyalty_points.reward.domain import Reason
from services.loyalty_points.reward.handing import hand_over
from services.loyalty_points.reward.offer import Code, reward_id
from services.loyalty_points.routes.doing import ONE, PEOPLE, Body, Points, known, perform
from services.loyalty_points.routes.spending import LONGEST_HOLD
from shared.http import Here, Once, Problem, Route, Who, Why
from shared.message import Instant
from shared.tokens import Caller

_REWARD = ONE + "/rewards/{reward}"


class Handing(Body):
    """A reward that is handed over at a branch."""

    redemption_id: Chosen
    branch: Code


class PuttingBy(Body):
    """A reward that is put by until she fetches it at a branch."""

    hold_id: Chosen
    branch: Code
    seconds: Annotated[int, Field(ge=1, le=LONGEST_HOLD)]


class Reversal(Body):
    """Why a redemption is given back, as a code."""

    reason: Reason


class Allowing(Points):
    """Points for a till, until an instant at most a week from now."""

    allowance_id: Chosen
    branch: Code
    till: Code
    until: Instant


async def redeem(
    customer_id: UUID, reward: str, body: Handing, at: Here, caller: Who, cause: Why, once: Once
) -> dict[str, Any]:
    """Spend a reward's price on it; a coupon is hers at once."""
    _check(caller, body.branch)
    await known(at, customer_id)
    command = RedeemReward(
        at=datetime.now(UTC),
        customer_id=customer_id,
        redemption_id=body.redemption_id,
        reward_id=reward_id(reward),
        branch=body.branch,
    )
    return {"version": (await hand_over(at, command, cause, once)).version}


async def hold(
    customer_id: UUID, reward: str, body: PuttingBy, at: Here, caller: Who, cause: Why, once: Once
) -> dict[str, Any]:
    """Put a reward's price by, and one of its stock; capture the hold to hand it over."""
    _check(caller, body.branch)

    def command(now: datetime) -> AccountCommand:
        return HoldReward(
            at=now,
            customer_id=customer_id,
            hold_id=body.hold_id,
            reward_id=reward_id(reward),
            branch=body.branch,
            until=now + timedelta(seconds=body.seconds),
        )

    return await perform(at, customer_id, None, command, cause, once)


async def reverse(
    customer_id: UUID, redemption_id: UUID, body: Reversal, at: Here, cause: Why, once: Once
) -> dict[str, Any]:
    """Give a redemption's points back, and its reward to the stock, once; a coupon that was used does not come back.

    What a basket spent comes back with the basket alone: it has its discount as long as it stands.
    """
    await known(at, customer_id)
    if await stands(at, redemption_id):
        raise Problem(409, "redemption-of-a-basket", basket_id=str(redemption_id))
    now = datetime.now(UTC)
    command = ReverseRedemption(at=now, customer_id=customer_id, redemption_id=redemption_id, reason=body.reason)
    return {"version": (await hand_over(at, command, cause, once)).version}


async def allow(customer_id: UUID, body: Allowing, at: Here, caller: Who, cause: Why, once: Once) -> dict[str, Any]:
    """Put points by for a till that may be offline soon; a till asks for itself alone."""
    _check(caller, body.branch)
    if caller.role == "till" and caller.subject != body.till:
        raise Problem(403, "till-foreign")

    def command(now: datetime) -> AccountCommand:
        if body.until > now + timedelta(seconds=LONGEST_HOLD):
            raise Problem(422, "allowance-too-long", most_seconds=LONGEST_HOLD)
        return AllowPoints(
            at=now,
            customer_id=customer_id,
            allowance_id=body.allowance_id,
            branch=body.branch,
            till=body.till,
            points=body.points,
            until=body.until,
        )

    return await perform(at, customer_id, body, command, cause, once)


def _check(caller: Caller, branch: str) -> None:
    if caller.branch is not None and caller.branch != branch:
        raise Problem(403, "branch-foreign")


ROUTES = (
    Route("POST", _REWARD + "/redeem", redeem, PEOPLE),
    Route("POST", _REWARD + "/hold", hold, PEOPLE),
    Route("POST", ONE + "/redemptions/{redemption_id}/reverse", reverse, PEOPLE),
    Route("POST", ONE + "/allowances", allow, PEOPLE | {"till"}),
)
