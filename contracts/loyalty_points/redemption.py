"""Points that were spent and came back, and points that tills let customers spend while they were offline."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.loyalty_points.ledger import LotPoints
from contracts.loyalty_points.reward import RewardBought
from contracts.money import Points
from shared.message import Event, Instant


class RedemptionReversed(Event):
    """A redemption, which was made at `branch`, was given back: `lots` went back, of which `repaid` settled a debt.

    `over` of them had expired meanwhile: they are gone, and it is said that they expired.
    """

    customer_id: UUID
    redemption_id: UUID
    points: Points
    reason: str
    lots: tuple[LotPoints, ...]
    repaid: tuple[LotPoints, ...] = ()
    over: Points = 0
    branch: str | None = None
    reward: RewardBought | None = None
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None


class AllowanceUse(BaseModel):
    """Points of an allowance; `lots` are those that it held. One that had lapsed held none any more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hold_id: UUID
    points: Points
    lots: tuple[LotPoints, ...] = ()


class PointsSpentOffline(Event):
    """A till let a customer spend points on a receipt: `points` of them, on the branch's local day `on`.

    They are those of the `allowances` that were open, `lots`, `from_expired` (which count as spent, and no more as
    expired), and `owed`, which became debt.
    """

    customer_id: UUID
    spending_id: UUID
    branch: str
    till: str
    number: str
    on: date
    points: Points
    allowances: tuple[AllowanceUse, ...] = ()
    lots: tuple[LotPoints, ...] = ()
    from_expired: tuple[LotPoints, ...] = ()
    owed: Points = 0
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None

    def spent_lots(self) -> tuple[LotPoints, ...]:
        """Return the points of all lots that were spent; with `owed` they are all of `points`."""
        held = (part for use in self.allowances for part in use.lots)
        return (*held, *self.lots, *self.from_expired)
