"""The rewards as headquarters describes them, and as whoever hands them out sees them. Points are whole."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.loyalty_points.reward.domain import ChangeStock, DescribeReward, Reason, RewardCommand, WithdrawReward
from services.loyalty_points.reward.offer import Code, Description, reward_id
from shared.errors import Missing
from shared.http import Here, Once, Problem, Route, Why
from shared.idempotency import Idempotency
from shared.message import Cause
from shared.performing import perform_one
from shared.running import Running

HEADQUARTERS = frozenset({"headquarters"})
PEOPLE = frozenset({"staff", "headquarters"})
MOST = 1_000_000_000

_CODE = TypeAdapter(Code)
_ALL = "SELECT code, version, described::text AS described, withdrawn, stock FROM reward ORDER BY code"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Withdrawal(_Body):
    """Why a reward is taken out of the offer, as a code."""

    reason: Reason


class Recount(_Body):
    """How many more there are, or fewer, and why."""

    change: Annotated[int, Field(strict=True, ge=-MOST, le=MOST)]
    reason: Reason


async def rewards(at: Here) -> dict[str, Any]:
    """Return every reward there ever was; `stock` is null where it is not counted."""
    async with at.pool.acquire() as tx:
        rows = await tx.fetch(_ALL)
    return {"rewards": [_shown(row) for row in rows]}


def _shown(row: Any) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(row["described"])
    stock = row["stock"] if described["counted"] else None
    return {"code": row["code"], "version": row["version"], "withdrawn": row["withdrawn"], "stock": stock} | described


async def describe(code: str, body: Description, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Let a reward be this from now on."""
    try:
        _CODE.validate_python(code)
    except ValidationError as invalid:
        raise Problem(422, "malformed") from invalid
    described = DescribeReward(at=datetime.now(UTC), reward_id=reward_id(code), code=code, described=body)
    outcome = await perform_one(at, described, cause, idempotency=once)
    return {"version": outcome.version}


async def withdraw(code: str, body: Withdrawal, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Take a reward out of the offer."""

    def command(now: datetime) -> RewardCommand:
        return WithdrawReward(at=now, reward_id=reward_id(code), reason=body.reason)

    return await _perform(at, code, command, cause, once)


async def recount(code: str, body: Recount, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Raise or lower a stock; answers 409 `stock-below-zero` with what is left."""

    def command(now: datetime) -> RewardCommand:
        return ChangeStock(at=now, reward_id=reward_id(code), change=body.change, reason=body.reason)

    return await _perform(at, code, command, cause, once)


async def _perform(
    at: Running, code: str, command: Callable[[datetime], RewardCommand], cause: Cause, once: Idempotency | None
) -> dict[str, Any]:
    async with at.pool.acquire() as tx:
        version, _ = await at.handler.state(tx, "reward", reward_id(code))
    if version == 0:
        raise Missing("reward-unknown", reward=code)
    outcome = await perform_one(at, command(datetime.now(UTC)), cause, idempotency=once)
    return {"version": outcome.version}


ROUTES = (
    Route("GET", "/v1/rewards", rewards, PEOPLE),
    Route("PUT", "/v1/rewards/{code}", describe, HEADQUARTERS),
    Route("POST", "/v1/rewards/{code}/withdraw", withdraw, HEADQUARTERS),
    Route("POST", "/v1/rewards/{code}/stock", recount, HEADQUARTERS),
)
