"""Loyalty points owns each customer's account: lots of points and all that became of them, and the rewards they buy.

An account answers how it stood at any instant and why, and what is owed to customers is a view by branch and month.
It says PointsEarned, PointsAwarded, PointsTakenBack, PointsHeld, HoldReleased, PointsRedeemed, RedemptionReversed,
PointsSpentOffline, PointsExpired, DebtForgiven, PointsMerged and PointsSplit, each with the balance after it, and
ExpiryNoticed before points expire. It hears the tills' sales, refunds and spendings, memberships that start or turn out
to have started earlier, tiers that change, months of birthdays, and customers who turn out to be one, or two after all.

It owns coupons too, each a customer's own under its offer's words of then, and what a basket costs; of a coupon it says
CouponIssued, CouponRedeemed, CouponRolledBack, CouponExpired and CouponVoided.
"""
