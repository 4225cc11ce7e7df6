"""A member's tier over time, as membership says it, in whatever order it is heard. Pure."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.loyalty_points.domain.events import TierNoted
from services.loyalty_points.domain.page import Ledger, Page
from services.loyalty_points.domain.settling import settle
from services.loyalty_points.receipt import Earns, Receipt, Settled, any_earns, settled
from shared.message import Command


class NoteTier(Command):
    """The customer is of this tier from `at` on, until the next one begins; `under` as of a receipt."""

    customer_id: UUID
    under: UUID | None = None
    tier: str
    is_known: bool = False  # brought by guards.gather: whether that has been heard,
    until: datetime | None = None  # when the next one begins that has been heard, None is never,
    receipts: tuple[Receipt, ...] = ()  # those of that time, and those that share a cap with them, in their order,
    ledger: Ledger | None = None  # and the holds that have lapsed, and lots to take from

    def settled(self, earns: Earns = any_earns) -> list[Settled]:
        """Return what the receipts that earn should have earned with this tier."""
        own = [one for one in self.receipts if earns(one)]
        tiered = [replace(one, tier=self.tier) if self._is_of_its_time(one) else one for one in own]
        first = next((one.order for one in tiered if self._is_of_its_time(one)), None)
        return list(settled(tiered, first)) if first else []

    def _is_of_its_time(self, receipt: Receipt) -> bool:
        if (receipt.earner or self.customer_id) != (self.under or self.customer_id):
            return False
        return self.at <= receipt.sold_at and (self.until is None or receipt.sold_at < self.until)


def note_tier(command: NoteTier, page: Page) -> None:
    """Write the tier down, and settle what receipts of its time have earned; told twice says nothing."""
    if command.is_known:
        return
    page.tell(TierNoted(at=command.at, customer_id=command.under or command.customer_id, tier=command.tier))
    settle(command.settled(page.earns), page)
