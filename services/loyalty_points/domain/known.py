"""What is known of an account: its events, and since when. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.loyalty_points.domain.events import AccountEvent


class Known(NamedTuple):
    """An event of an account with its id, and when it was recorded; without either, it is to be told yet.

    `of` is whose account it is an event of, where another's are told beside it.
    """

    event: AccountEvent
    id: str | None = None
    recorded_at: datetime | None = None
    of: UUID | None = None


def known_by(told: Sequence[Known], known_at: datetime) -> list[Known]:
    """Return what had been recorded by an instant."""
    return [known for known in told if known.recorded_at and known.recorded_at <= known_at]


def happened_at(event: AccountEvent) -> datetime:
    """Return when an event happened: never after it was booked."""
    return min(event.at, getattr(event, "booked_at", None) or event.at)
