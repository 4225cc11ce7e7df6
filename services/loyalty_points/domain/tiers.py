"""A member's tier over time, as membership says it, in whatever order it is heard. Pure."""

from uuid import UUID

from services.loyalty_points.domain.events import TierNoted
from services.loyalty_points.domain.page import Ledger, Page
from shared.message import Command


class NoteTier(Command):
    """The customer is of this tier from `at` on, until the next one begins."""

    customer_id: UUID
    tier: str
    is_known: bool = False  # brought by guards.gather: whether that has been heard,
    ledger: Ledger | None = None  # and the holds that have lapsed


def note_tier(command: NoteTier, page: Page) -> None:
    """Write the tier down; told twice says nothing."""
    if not command.is_known:
        page.tell(TierNoted(at=command.at, customer_id=command.customer_id, tier=command.tier))
