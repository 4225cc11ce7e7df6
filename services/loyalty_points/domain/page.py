"""The page on which a command's entries are written one after another, and what guards.gather brings for it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from contracts.loyalty_points import LotPoints, PointsAwarded, PointsEarned, RewardBought
from contracts.money import LARGEST
from services.loyalty_points.domain.account import Account
from services.loyalty_points.domain.events import AccountEvent, Noted, PassedOn
from services.loyalty_points.domain.folding import evolve
from services.loyalty_points.domain.lots import Lot, movements, new_lot, split
from services.loyalty_points.receipt import Receipt
from shared.errors import Rejected
from shared.replacing import replace

Told = TypeVar("Told", bound=AccountEvent)


@dataclass(frozen=True)
class KnownHold:
    """A hold as it was made, and how it ended; a redemption is one that never had an `until`.

    One with a till is its allowance, or what that till let her spend; `branch` is where it was spent or is to be. Of
    one of another's account the id is known, which is good for one thing.
    """

    hold_id: UUID
    points: int
    held_at: datetime
    until: datetime | None
    lots: tuple[LotPoints, ...]
    ended: str | None = None
    captured: int = 0
    reward: RewardBought | None = None
    branch: str | None = None
    till: str | None = None
    is_anothers: bool = False

    @property
    def left(self) -> int:
        """Return what is not spent of it."""
        return self.points - self.captured

    @property
    def left_lots(self) -> tuple[LotPoints, ...]:
        """Return the points that are not spent of it."""
        return split(self.lots, self.captured)[1]

    @property
    def is_for_points(self) -> bool:
        """Return whether it is hers, and neither for a reward nor a till's."""
        return self.reward is None and self.till is None and not self.is_anothers

    def is_of(self, branch: str, till: str) -> bool:
        """Return whether it is an allowance of that till."""
        return self.until is not None and (self.branch, self.till) == (branch, till) and not self.is_anothers

    def is_spent_at(self, branch: str, till: str) -> bool:
        """Return whether it is what that till let somebody spend: hers, or whose it is since two were split."""
        return self.until is None and (self.branch, self.till) == (branch, till)

    def is_open(self, now: datetime) -> bool:
        """Return whether it still holds something."""
        return self.ended is None and self.until is not None and self.until > now

    def covers(self, at: datetime) -> bool:
        """Return whether it held points at an instant, unless it ended before its time."""
        return self.until is not None and self.held_at <= at < self.until


@dataclass(frozen=True)
class Ledger:
    """What guards.gather knows at `now`, the transaction's time: the lots and holds that the rules may need.

    Of the holds these are the one that the command names, those that have lapsed and are still open, and the till's.
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
        elif isinstance(event, PassedOn):
            event = event.model_copy(update={"booked_at": self.now})
            self.account = evolve(self.account, event)
        else:
            event = event.model_copy(update={"booked_at": self.now})
            self.account = evolve(self.account, event)
            event = event.model_copy(update=self._stands(self.account))  # which the fold does not look at
        self.events.append(event)
        if isinstance(event, PointsEarned | PointsAwarded) and event.lot_id:
            self.lots[event.lot_id] = new_lot(event, event.lot_id)
        move(self.lots, event)

    def earns(self, receipt: Receipt) -> bool:
        """Return whether a receipt of hers earns."""
        return self.account.earns(receipt.earner or self.customer_id, receipt.sold_at, receipt.order)

    def _stands(self, account: Account) -> dict[str, Any]:
        return {"balance": account.available(self.now), "pending": account.waiting(self.now)}


def move(lots: dict[UUID, Lot], event: AccountEvent) -> None:
    """Move those of the lots that an event draws on, or gives back to."""
    for moved in movements(event):
        if lot := lots.get(moved.lot_id):
            columns = ("repaid", "drawn", "taken_back", "expired")
            sums = {name: getattr(lot, name) + getattr(moved, name) for name in columns}
            lots[lot.lot_id] = replace(lot, **sums)


def checked(points: int) -> int:
    """Return the points asked for; raise Rejected when they are no number of points."""
    if not 1 <= points <= LARGEST:
        raise Rejected("points-invalid", asked=points)
    return points
