"""Loyalty points owns each customer's account: what her receipts have earned, and what refunds took back.

It says PointsEarned and PointsTakenBack, each with the balance after it.
It hears the tills' sales and refunds, and memberships that start or turn out to have started earlier.
"""
