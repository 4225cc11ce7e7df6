"""Membership's parts."""

from pathlib import Path

from contracts.membership import EVENTS
from services.membership import domain, guards, merging, reactions, reviewing, routes, views
from services.membership.customer import Customer
from services.membership.terms import Terms
from shared.decider import Aggregate
from shared.service import Hearing, Service, ViewSet

app = Service(
    "membership",
    says=EVENTS,
    aggregates=(
        Aggregate(
            "customer",
            domain,
            Customer,
            domain.COMMANDS,
            domain.EVENTS,
            key="customer_id",
            guards=guards,
            follow=domain.follow,
            in_turn=merging.COMMANDS,
        ),
    ),
    hears=(Hearing("pos", reactions.HEARD, reactions.react),),
    views=ViewSet(Path(__file__).with_name("views.sql"), views.project),
    routes=routes.ROUTES,
    policy=Terms,
    workers=(reviewing.review,),
)
