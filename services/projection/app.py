"""The parts of headquarters."""

from pathlib import Path

from contracts import loyalty_points, membership, notification, pos
from services.projection import routes
from services.projection.page import routes as page
from services.projection.views.projecting import project
from shared.service import Heard, Service, ViewSet

app = Service(
    "projection",
    views=ViewSet(
        Path(__file__).parent / "views.sql",
        project,
        hears=(
            Heard("pos", pos.EVENTS),
            Heard("membership", membership.EVENTS),
            Heard("loyalty-points", loyalty_points.EVENTS),
            Heard("notification", notification.EVENTS),
        ),
    ),
    routes=(*routes.ROUTES, *page.ROUTES),
)
