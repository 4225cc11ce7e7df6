"""The points ledger's parts."""

from contracts.loyalty_points import EVENTS
from services.loyalty_points import domain, expiring, guards, reactions, routes
from services.loyalty_points.terms import Terms
from shared.decider import Aggregate
from shared.service import Hearing, Service

app = Service(
    "loyalty-points",
    says=EVENTS,
    aggregates=(
        Aggregate("account", domain, domain.Account, domain.COMMANDS, domain.EVENTS, key="customer_id", guards=guards),
    ),
    hears=(
        Hearing("pos", reactions.FROM_POS, reactions.react),
        Hearing("membership", reactions.FROM_MEMBERSHIP, reactions.react),
    ),
    routes=routes.ROUTES,
    policy=Terms,
    workers=(expiring.expire,),
)
