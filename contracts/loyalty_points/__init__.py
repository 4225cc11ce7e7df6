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
from contracts.loyalty_points.merging import PointsMerged, PointsSplit
from contracts.loyalty_points.redemption import AllowanceUse, PointsSpentOffline, RedemptionReversed
from contracts.loyalty_points.reward import RewardBought, RewardKind

__all__ = [
    "EVENTS",
    "AllowanceUse",
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
    "PointsMerged",
    "PointsRedeemed",
    "PointsSpentOffline",
    "PointsSplit",
    "PointsTakenBack",
    "RedemptionReversed",
    "Release",
    "RewardBought",
    "RewardKind",
    "RulePoints",
]

EVENTS = (
    PointsEarned,
    PointsAwarded,
    PointsTakenBack,
    PointsHeld,
    HoldReleased,
    PointsRedeemed,
    RedemptionReversed,
    PointsSpentOffline,
    PointsExpired,
    ExpiryNoticed,
    DebtForgiven,
    PointsMerged,
    PointsSplit,
    CouponIssued,
    CouponRedeemed,
    CouponRolledBack,
    CouponExpired,
    CouponVoided,
)
