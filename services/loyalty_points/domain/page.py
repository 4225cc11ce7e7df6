"""The page on which a command's entries are written one after another, and what guards.gather brings for it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from contracts.loyalty_points import LotPoints, PointsAwarded, PointsEarned
from contracts.money import LARGEST
from services.loyalty_points.domain.account import Account, evolve
from services.loyalty_points.domain.events import AccountEvent, Noted
from services.loyalty_points.domain.lots import Lot, movements, new_lot
from shared.errors import Rejected

Told = TypeVar("Told", bound=AccountEvent)


@dataclass(frozen=True)
class KnownHold:
    """A hold as it was made, and how it ended; a redemption at the desk is one that never had an `until`."""

    hold_id: UUID
    points: int
    held_at: datetime
    until: datetime | None
    lots: tuple[LotPoints, ...]
    ended: str | None = None
    captured: int = 0


@dataclass(frozen=True)
class Ledger:
    """What guards.gather knows at `now`, the transaction's time: the lots and holds that the rules may need.

    Of the holds these are the one that the command names, and those that have lapsed and are still open.
    """

    now: datetime
    lots: tuple[Lot, ...] = ()
    holds: tuple[KnownHold, ...] = ()


class Page:
    """Entries of one customer; account and lots stand after the last of them."""

    def __init__(self, customer_id: UUID, at: datetime, account: Account, ledger: Ledger | None) -> None:
        known = ledger or Ledger(at)
        self.customer_id, self.at, self.now = customer_id, at, known.now
        self.account = account
        self.lots = {lot.lot_id: lot for lot in known.lots}
        self.holds = {hold.hold_id: hold for hold in known.holds}
        self.events: list[AccountEvent] = []

    def tell(self, event: AccountEvent) -> None:
        """Write an event; an entry gets the time of booking, and what stands after it."""
        if isinstance(event, Noted):
            self.account = evolve(self.account, event)
        else:
            event = event.model_copy(update={"booked_at": self.now})
            self.account = evolve(self.account, event)
            event = event.model_copy(update=self._stands(self.account))  # which the fold does not look at
        self.events.append(event)
        if isinstance(event, PointsEarned | PointsAwarded) and event.lot_id:
            self.lots[event.lot_id] = new_lot(event, event.lot_id)
        for moved in movements(event):
            if lot := self.lots.get(moved.lot_id):
                columns = ("repaid", "drawn", "taken_back", "expired")
                sums = {name: getattr(lot, name) + getattr(moved, name) for name in columns}
                self.lots[lot.lot_id] = replace(lot, **sums)

    def _stands(self, account: Account) -> dict[str, Any]:
        return {"balance": account.available(self.now), "pending": account.waiting(self.now)}


def checked(points: int) -> int:
    """Return the points asked for; raise Rejected when they are no number of points."""
    if not 1 <= points <= LARGEST:
        raise Rejected("points-invalid", asked=points)
    return points
