"""The endpoints of a customer's account, one module a thing that is done; other aggregates have theirs beside them."""

from services.loyalty_points.routes import account, liability, spending, statement

ROUTES = (*account.ROUTES, *spending.ROUTES, *statement.ROUTES, *liability.ROUTES)
