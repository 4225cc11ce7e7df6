"""Membership's parts."""

from pathlib import Path

from contracts.membership import EVENTS
from services.membership import domain, guards, reactions, reviewing, routes, views
from services.membership.terms import Terms
from shared.decider import Aggregate
from shared.http import Route
from shared.service import Hearing, Service, ViewSet

SERVICE = frozenset({"service"})
PEOPLE = frozenset({"staff", "headquarters"})

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
    routes=(
        Route("POST", "/v1/vault/resolve", routes.resolve, SERVICE),
        Route("POST", "/v1/vault/keep", routes.keep, SERVICE, cap=40 * 1024 * 1024),
        Route("POST", "/v1/vault/reveal", routes.reveal, SERVICE),
        Route("GET", "/v1/customers/{customer_id}", routes.customer, PEOPLE),
        Route("GET", "/v1/members", routes.members, PEOPLE),
    ),
    policy=Terms,
    workers=(reviewing.review,),
)
