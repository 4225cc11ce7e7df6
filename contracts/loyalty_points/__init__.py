"""What loyalty points say, one module a noun."""

from contracts.loyalty_points.ledger import (
    DebtForgiven,
    ExpiryNoticed,
    HoldReleased,
    LotPoints,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    PointsTakenBack,
    Release,
)

__all__ = [
    "EVENTS",
    "DebtForgiven",
    "ExpiryNoticed",
    "HoldReleased",
    "LotPoints",
    "PointsEarned",
    "PointsExpired",
    "PointsHeld",
    "PointsRedeemed",
    "PointsTakenBack",
    "Release",
]

EVENTS = (
    PointsEarned,
    PointsTakenBack,
    PointsHeld,
    HoldReleased,
    PointsRedeemed,
    PointsExpired,
    ExpiryNoticed,
    DebtForgiven,
)
