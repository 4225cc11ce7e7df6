"""An entry of an account as it is shown. Pure."""

from typing import Any

from contracts.loyalty_points import (
    DebtForgiven,
    HoldReleased,
    PointsAwarded,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsMerged,
    PointsRedeemed,
    PointsSpentOffline,
    PointsSplit,
    PointsTakenBack,
    RedemptionReversed,
)
from shared.message import Event

KINDS: dict[type[Event], str] = {
    PointsEarned: "earned",
    PointsAwarded: "awarded",
    PointsTakenBack: "taken-back",
    PointsHeld: "held",
    HoldReleased: "released",
    PointsRedeemed: "redeemed",
    RedemptionReversed: "reversed",
    PointsSpentOffline: "spent-offline",
    PointsExpired: "expired",
    DebtForgiven: "forgiven",
    PointsMerged: "merged",
    PointsSplit: "split",
}
_LEFT_OUT = {"customer_id", "booked_at"}


def entry(event: Event) -> dict[str, Any] | None:
    """Return an entry with its kind; nothing for what moves no points."""
    kind = KINDS.get(type(event))
    return {"kind": kind, **event.model_dump(mode="json", exclude=_LEFT_OUT)} if kind else None
