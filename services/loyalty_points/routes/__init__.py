"""The endpoints of a customer's account, one module a thing that is done; other aggregates have theirs beside them."""

from services.loyalty_points.routes import (
    account,
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
    *acts.ROUTES,
    *corrections.ROUTES,
    *forgiving.ROUTES,
    *liability.ROUTES,
    *rehearsals.ROUTES,
    *rewards.ROUTES,
    *spending.ROUTES,
    *statement.ROUTES,
)
