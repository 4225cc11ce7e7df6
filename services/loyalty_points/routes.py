"""The points ledger's endpoints: a customer's account with the entries that make it, and what the desk does with it.

`seconds` are how long points are held; points are whole.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import LARGEST
from services.loyalty_points.domain import (
    Account,
    AccountCommand,
    CapturePoints,
    ForgiveDebt,
    HoldPoints,
    RedeemPoints,
    ReleaseHold,
)
from services.loyalty_points.domain.forgiving import Reason
from services.loyalty_points.statement import entry
from shared.errors import Missing
from shared.handling import Outcome
from shared.http import Here, Once, Problem, Route, Why
from shared.idempotency import Idempotency
from shared.message import Cause
from shared.performing import perform_one
from shared.running import Running

PEOPLE = frozenset({"staff", "headquarters"})
LONGEST_HOLD = 7 * 24 * 3600

_NOW = "SELECT clock_timestamp()"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Points(_Body):
    points: Annotated[int, Field(strict=True)]


class Holding(_Points):
    """What shall be held, and for how long."""

    hold_id: UUID
    seconds: Annotated[int, Field(ge=1, le=LONGEST_HOLD)]


class Capture(_Points):
    """What of a hold is spent."""


class Redemption(_Points):
    """What is spent at once."""

    redemption_id: UUID


class Forgiveness(_Points):
    """What is let go of a debt, and a code for why."""

    reason: Reason


async def account(customer_id: UUID, at: Here) -> dict[str, Any]:
    """Return the account as it is now; an entry's `at` is when it happened, their order is that of the books."""
    async with at.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        version, account = await at.handler.state(tx, "account", customer_id)
        told = await at.handler.history(tx, "account", customer_id)
        now = await tx.fetchval(_NOW)
    if version == 0:
        raise Missing("account-unknown", customer_id=str(customer_id))
    entries = [shown for envelope in told if (shown := entry(envelope.event))]
    return {"customer_id": customer_id, **_standing(account, now), "entries": entries}


def _standing(account: Account, now: datetime) -> dict[str, Any]:
    soonest = next(iter(account.expiring(now)), None)
    available = account.available(now)
    return {
        "balance": available,
        "available": available,
        "pending": account.waiting(now),
        "reserved": account.reserved(now),
        "debt": account.as_of(now).debt,
        "next_expiry": {"at": soonest.expires_at, "points": soonest.points} if soonest else None,
        "earned": account.earned,
        "taken_back": account.taken_back,
        "redeemed": account.redeemed,
        "expired": account.expired,
        "forgiven": account.forgiven,
        "member_since": account.member_since,
    }


async def hold(customer_id: UUID, body: Holding, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Put points by; answers 409 `not-enough-points` with what is available."""

    def command(now: datetime) -> AccountCommand:
        until = now + timedelta(seconds=body.seconds)
        return HoldPoints(at=now, customer_id=customer_id, hold_id=body.hold_id, points=body.points, until=until)

    return await _perform(at, customer_id, body, command, cause, once)


async def capture(customer_id: UUID, hold_id: UUID, body: Capture, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Spend of a hold, at most all of it; the rest goes back."""

    def command(now: datetime) -> AccountCommand:
        return CapturePoints(at=now, customer_id=customer_id, hold_id=hold_id, points=body.points)

    return await _perform(at, customer_id, body, command, cause, once)


async def release(customer_id: UUID, hold_id: UUID, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Give held points back."""

    def command(now: datetime) -> AccountCommand:
        return ReleaseHold(at=now, customer_id=customer_id, hold_id=hold_id)

    return await _perform(at, customer_id, None, command, cause, once)


async def redeem(customer_id: UUID, body: Redemption, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Spend points at the desk."""

    def command(now: datetime) -> AccountCommand:
        return RedeemPoints(at=now, customer_id=customer_id, redemption_id=body.redemption_id, points=body.points)

    return await _perform(at, customer_id, body, command, cause, once)


async def forgive(customer_id: UUID, body: Forgiveness, at: Here, cause: Why, once: Once) -> dict[str, Any]:
    """Let a debt go."""

    def command(now: datetime) -> AccountCommand:
        return ForgiveDebt(at=now, customer_id=customer_id, points=body.points, reason=body.reason)

    return await _perform(at, customer_id, body, command, cause, once)


async def _perform(
    at: Running,
    customer_id: UUID,
    body: _Points | None,
    command: Callable[[datetime], AccountCommand],
    cause: Cause,
    once: Idempotency | None,
) -> dict[str, Any]:
    """Answer with the account's version after it; nobody's account is nobody's to spend from."""
    if body and not 1 <= body.points <= LARGEST:
        raise Problem(422, "points-invalid", least=1, most=LARGEST)
    async with at.pool.acquire() as tx:
        version, _ = await at.handler.state(tx, "account", customer_id)
    if version == 0:
        raise Missing("account-unknown", customer_id=str(customer_id))
    outcome: Outcome = await perform_one(at, command(datetime.now(UTC)), cause, idempotency=once)
    return {"version": outcome.version}


_ONE = "/v1/accounts/{customer_id}"

ROUTES = (
    Route("GET", _ONE, account, PEOPLE),
    Route("POST", _ONE + "/holds", hold, PEOPLE),
    Route("POST", _ONE + "/holds/{hold_id}/capture", capture, PEOPLE),
    Route("POST", _ONE + "/holds/{hold_id}/release", release, PEOPLE),
    Route("POST", _ONE + "/redemptions", redeem, PEOPLE),
    Route("POST", _ONE + "/debt/forgive", forgive, PEOPLE),
)
