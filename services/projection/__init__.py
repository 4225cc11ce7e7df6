"""Headquarters owns the customer across branches, the chain's figures by branch, day and hour, and the page with them.

It says nothing and decides nothing.
It hears the tills, membership, the points ledger and the notification gateway, and keeps what can be worked out again.
"""
