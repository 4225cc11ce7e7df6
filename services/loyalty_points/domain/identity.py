"""Who a customer is at an instant, when some turned out to be one person. Pure.

Until a merge the two were two: each has her own joining, tiers and caps. From it on they are the one that stays, who
is a member if any of them was by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Other:
    """Somebody who was given up for `into` at `merged_at`; her own joining, and the debt that she brought."""

    customer_id: UUID
    into: UUID
    merge_id: UUID
    merged_at: datetime
    joined_order: str | None = None
    member_since: datetime | None = None
    debt: int = 0


def as_whom(others: Sequence[Other], under: UUID, at: datetime) -> UUID:
    """Return who she was at an instant, of whom something is told under one of her ids."""
    other = other_of(others, under)
    return under if other is None or at < other.merged_at else as_whom(others, other.into, at)


def other_of(others: Sequence[Other], who: UUID) -> Other | None:
    """Return somebody among them."""
    return next((other for other in others if other.customer_id == who), None)


def under(others: Sequence[Other], who: UUID) -> tuple[Other, ...]:
    """Return those who were given up for somebody, at first or second hand."""
    own = [other for other in others if other.into == who]
    return tuple(one for other in own for one in (other, *under(others, other.customer_id)))
