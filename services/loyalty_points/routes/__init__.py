"""The endpoints of a customer's account, one module a thing that is done; other aggregates have theirs beside them."""

from services.loyalty_points.routes import (
    account,
    accounts,
    acts,
    corrections,
    forgiving,
    liability,
    rehearsals,
    rewards,
    spending,
    statement,
)

ROUTES = (
    *account.ROUTES,
    *accounts.ROUTES,
    *acts.ROUTES,
    *corrections.ROUTES,
    *forgiving.ROUTES,
    *liability.ROUTES,
    *rehearsals.ROUTES,
    *rewards.ROUTES,
    *spending.ROUTES,
    *statement.ROUTES,
)
