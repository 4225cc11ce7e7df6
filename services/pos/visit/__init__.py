"""Visits: somebody came in."""
