"""Rewards: what points can buy, its price, and what is left of it."""
