"""What the points ledger says of points that no receipt earned. Points are whole; `on` is the branch's local day."""

from datetime import date
from uuid import UUID

from contracts.money import Points, Whole
from shared.message import Event, Instant


class PointsAwarded(Event):
    """An act of a customer's (`referral`, `survey`) earned, once for its id; `reason` is a code, never a sentence.

    `repaid` of the points settled a debt. `balance`, `pending` and `debt` stand after it, as of `booked_at`.
    `origin` is the id that it was told of, where that was given up.
    """

    customer_id: UUID
    act: str
    act_id: str
    reason: str
    branch: str
    on: date
    points: Points
    repaid: Points = 0
    balance: Points
    debt: Points = 0
    pending: Points = 0
    policy_version: Whole
    booked_at: Instant | None = None
    lot_id: UUID
    source: str
    active_from: Instant | None = None
    expires_at: Instant | None = None
    origin: UUID | None = None
