"""Points that a customer spent at a till, as the till tells it."""
