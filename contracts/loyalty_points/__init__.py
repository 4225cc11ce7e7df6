"""What loyalty points say, one module a noun."""

from contracts.loyalty_points.acts import PointsAwarded
from contracts.loyalty_points.coupons import (
    CouponExpired,
    CouponIssued,
    CouponKind,
    CouponRedeemed,
    CouponRolledBack,
    CouponVoided,
)
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
    RulePoints,
)

__all__ = [
    "EVENTS",
    "CouponExpired",
    "CouponIssued",
    "CouponKind",
    "CouponRedeemed",
    "CouponRolledBack",
    "CouponVoided",
    "DebtForgiven",
    "ExpiryNoticed",
    "HoldReleased",
    "LotPoints",
    "PointsAwarded",
    "PointsEarned",
    "PointsExpired",
    "PointsHeld",
    "PointsRedeemed",
    "PointsTakenBack",
    "Release",
    "RulePoints",
]

EVENTS = (
    PointsEarned,
    PointsAwarded,
    PointsTakenBack,
    PointsHeld,
    HoldReleased,
    PointsRedeemed,
    PointsExpired,
    ExpiryNoticed,
    DebtForgiven,
    CouponIssued,
    CouponRedeemed,
    CouponRolledBack,
    CouponExpired,
    CouponVoided,
)
