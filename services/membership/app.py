"""Membership's parts."""

from pathlib import Path

from contracts.membership import EVENTS
from services.membership import domain, guards, reactions, reviewing, routes, views
from services.membership.terms import Terms
from shared.decider import Aggregate
from shared.service import Hearing, Service, ViewSet

app = Service(
    "membership",
    says=EVENTS,
    aggregates=(
        Aggregate(
            "customer", domain, domain.Customer, domain.COMMANDS, domain.EVENTS, key="customer_id", guards=guards
        ),
    ),
    hears=(Hearing("pos", reactions.HEARD, reactions.react),),
    views=ViewSet(Path(__file__).with_name("views.sql"), views.project),
    routes=routes.ROUTES,
    policy=Terms,
    workers=(reviewing.review,),
)
