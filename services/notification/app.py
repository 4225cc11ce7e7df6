"""Notification's parts."""

from pathlib import Path

from contracts.notification import EVENTS
from services.notification import domain, guards, reactions, routes, views
from services.notification.delivery import deliver
from services.notification.terms import Terms
from shared.decider import Aggregate
from shared.service import Hearing, Service, ViewSet

app = Service(
    "notification",
    says=EVENTS,
    aggregates=(
        Aggregate(
            "message",
            domain,
            domain.Message,
            domain.COMMANDS,
            domain.EVENTS,
            key="message_id",
            partition="customer_id",
            guards=guards,
        ),
    ),
    hears=(Hearing("membership", reactions.HEARD, reactions.react),),
    views=ViewSet(Path(__file__).with_name("views.sql"), views.project),
    routes=routes.ROUTES,
    policy=Terms,
    workers=(deliver,),
)
