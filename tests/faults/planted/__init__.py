"""Bugs that are put into a service's process on purpose, each to show that a checker sees it."""
