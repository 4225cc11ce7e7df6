"""Baskets: what one costs and why, before it is paid (a quote) and for ever after (a commit)."""
