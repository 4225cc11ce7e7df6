"""Servers for faults that need others than one Postgres and one broker, each reached straight."""
