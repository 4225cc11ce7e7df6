"""Receipts: closed once, given back at most once over."""
