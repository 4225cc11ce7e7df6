"""A receipt as the points ledger sees it: what one customer's own lines were worth, and what is left of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.loyalty_points import lifetime
from services.loyalty_points.terms import PRESET, Terms


@dataclass(frozen=True)
class Receipt:
    """A receipt of the customer's as the guard keeps it; `refunded_at` is the last refund's time, `left` by line."""

    sale_id: UUID
    branch: str
    zone: str
    on: date
    sold_at: datetime
    order: str
    net_minor: int
    left: Mapping[int, int]
    refunded_at: datetime | None = None
    terms: Terms = PRESET
    policy_version: int = 0

    @property
    def earns(self) -> int:
        """Return the points of the receipt as it was sold."""
        return self.terms.points(self.net_minor)

    @property
    def keeps(self) -> int:
        """Return the points of what is left of it."""
        return self.terms.points(sum(self.left.values()))

    @property
    def source(self) -> str:
        """Return the natural key of its lot, among those of the customer."""
        return f"sale/{self.sale_id}"

    @property
    def active_from(self) -> datetime | None:
        """Return when its points can be spent; None is at once."""
        return lifetime.active_from(self.on, self.zone, self.terms.pending_days)

    @property
    def expires_at(self) -> datetime | None:
        """Return when they are over; None is never."""
        return lifetime.expires_at(self.on, self.zone, self.terms.expiry)
