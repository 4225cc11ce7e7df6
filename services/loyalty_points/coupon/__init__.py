"""Coupons: each is one customer's, under the version of the offer that held when it was issued.

issued → inactive → active → locked in a checkout → redeemed → rolled back (active again); or expired, or voided.
"""
