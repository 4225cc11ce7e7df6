"""What membership says of a customer, in whatever order it is heard: her tier, the month of her birthday. Pure."""

from abc import ABC, abstractmethod
from datetime import datetime
from uuid import UUID

from services.loyalty_points.domain.events import BirthdayMonthNoted, TierNoted
from services.loyalty_points.domain.page import Ledger, Page
from services.loyalty_points.domain.settling import settle
from services.loyalty_points.receipt import Earns, Receipt, Settled, any_earns, settled
from shared.message import Command
from shared.replacing import replace


class NoteTrait(Command, ABC):
    """Something holds of the customer from `at` on, until the next of its kind begins; `under` as of a receipt."""

    customer_id: UUID
    under: UUID | None = None
    is_known: bool = False  # brought by guards.gather: whether that has been heard,
    until: datetime | None = None  # when the next one begins that has been heard, None is never,
    receipts: tuple[Receipt, ...] = ()  # those of that time, and those that share a cap with them, in their order,
    ledger: Ledger | None = None  # and the holds that have lapsed, and lots to take from

    @abstractmethod
    def noted(self) -> TierNoted | BirthdayMonthNoted:
        """Return what is written down of it."""

    @abstractmethod
    def of(self, receipt: Receipt) -> Receipt:
        """Return a receipt of its time, as it is when that holds."""

    def settled(self, earns: Earns = any_earns) -> list[Settled]:
        """Return what the receipts that earn should have earned when that holds."""
        own = [one for one in self.receipts if earns(one)]
        now = [self.of(one) if self._is_of_its_time(one) else one for one in own]
        first = next((one.order for one in now if self._is_of_its_time(one)), None)
        return list(settled(now, first)) if first else []

    def _is_of_its_time(self, receipt: Receipt) -> bool:
        if (receipt.earner or self.customer_id) != (self.under or self.customer_id):
            return False
        return self.at <= receipt.sold_at and (self.until is None or receipt.sold_at < self.until)


class NoteTier(NoteTrait):
    """The customer is of this tier."""

    tier: str

    def noted(self) -> TierNoted:
        """Return the tier of whom the news names."""
        return TierNoted(at=self.at, customer_id=self.under or self.customer_id, tier=self.tier)

    def of(self, receipt: Receipt) -> Receipt:
        """Return the receipt of a customer of this tier."""
        return replace(receipt, tier=self.tier)


class NoteBirthdayMonth(NoteTrait):
    """The customer has said that her birthday is in this month."""

    month: int

    def noted(self) -> BirthdayMonthNoted:
        """Return the month of whom the news names."""
        return BirthdayMonthNoted(at=self.at, customer_id=self.under or self.customer_id, month=self.month)

    def of(self, receipt: Receipt) -> Receipt:
        """Return the receipt of a customer whose birthday is in this month."""
        return replace(receipt, birthday_month=self.month)


def note_trait(command: NoteTrait, page: Page) -> None:
    """Write down what holds, and settle what receipts of its time have earned; told twice says nothing."""
    if command.is_known:
        return
    page.tell(command.noted())
    settle(command.settled(page.earns), page)
