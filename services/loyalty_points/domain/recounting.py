"""Receipts are counted again under terms that were signed for a time that is past. Pure; whole points."""

from uuid import UUID

from services.loyalty_points.domain.events import ReceiptRecounted
from services.loyalty_points.domain.page import Ledger, Page
from services.loyalty_points.domain.settling import settle
from services.loyalty_points.receipt import Earns, Receipt, Settled, any_earns, settled
from shared.message import Command


class RecountReceipts(Command):
    """Count a customer's receipts of the time in which a version of the policy holds by that version."""

    customer_id: UUID
    version: int
    receipts: tuple[Receipt, ...] = ()  # brought by guards.gather: all of hers in their order, with their new terms,
    recounted: frozenset[tuple[UUID | None, UUID]] = frozenset()  # which of them had others,
    ledger: Ledger | None = None  # and the holds that have lapsed, and lots to take from

    def settled(self, earns: Earns = any_earns) -> list[Settled]:
        """Return what the receipts that earn should have earned."""
        own = [one for one in self.receipts if earns(one)]
        first = next((one.order for one in own if (one.origin, one.sale_id) in self.recounted), None)
        return list(settled(own, first)) if first else []


def recount(command: RecountReceipts, page: Page) -> None:
    """Write down which receipts have other terms, and what that changes; a second time there are none."""
    for receipt in command.receipts:
        if (receipt.origin, receipt.sale_id) in command.recounted:
            who, version = receipt.origin or command.customer_id, command.version
            page.tell(ReceiptRecounted(at=command.at, customer_id=who, sale_id=receipt.sale_id, policy_version=version))
    settle(command.settled(page.earns), page)
