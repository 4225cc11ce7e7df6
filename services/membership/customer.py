"""What is known of a customer: her joining, her tier, and who was given up for her. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Other:
    """Somebody who was given up for `into` at `merged_at`; until then the two were two. Her own joining is hers."""

    customer_id: UUID
    into: UUID
    merge_id: UUID
    merged_at: datetime
    joined_at: datetime | None = None
    joined_order: str | None = None


@dataclass(frozen=True)
class Customer:
    """A customer; a member from the receipt `joined_order` on, and since then of a tier as it was worked out.

    One who was given up has `moved_to`, and stays as she was then. `merges` counts how often she was. The month of her
    birthday stands for a year from `birthday_since` on, and was told last as of `birthday_at`.
    """

    registered_at: datetime | None = None
    joined_at: datetime | None = None
    joined_order: str | None = None
    tier: str | None = None
    review_at: datetime | None = None
    birthday_month: int | None = None
    birthday_since: datetime | None = None
    birthday_at: datetime | None = None
    moved_to: UUID | None = None
    merge_id: UUID | None = None
    merged_at: datetime | None = None
    merges: int = 0
    others: tuple[Other, ...] = ()

    @property
    def is_member(self) -> bool:
        """Return whether she is a member under any of her ids."""
        return self.joined_order is not None or any(other.joined_order is not None for other in self.others)

    @property
    def member_since(self) -> datetime | None:
        """Return when she joined first, under any of her ids."""
        return min((at for at in (self.joined_at, *(other.joined_at for other in self.others)) if at), default=None)

    def as_whom(self, under: UUID, at: datetime) -> UUID:
        """Return who she was at an instant, of whom something is told under one of her ids."""
        other = self.other(under)
        return under if other is None or at < other.merged_at else self.as_whom(other.into, at)

    def other(self, who: UUID) -> Other | None:
        """Return somebody who was given up for her."""
        return next((other for other in self.others if other.customer_id == who), None)

    def joined_as(self, who: UUID) -> str | None:
        """Return from which receipt on she is a member under an id of hers."""
        other = self.other(who)
        return other.joined_order if other else self.joined_order

    def under(self, who: UUID) -> tuple[Other, ...]:
        """Return those who were given up for somebody among the others, at first or second hand."""
        own = [other for other in self.others if other.into == who]
        return tuple(one for other in own for one in (other, *self.under(other.customer_id)))
