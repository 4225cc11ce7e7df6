"""Accounts that become one, and two again. Points are whole."""

from uuid import UUID

from contracts.loyalty_points.ledger import LotPoints
from contracts.money import Points
from shared.message import Event, Instant


class PointsMerged(Event):
    """The account of `given_up` is this one's now, with `points` that could be spent, could not yet, or were held.

    What one owed the other's points settled: `repaid`, which are named by lot.
    """

    customer_id: UUID
    given_up: UUID
    merge_id: UUID
    points: Points
    repaid: tuple[LotPoints, ...] = ()
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None


class PointsSplit(Event):
    """A merge was undone; said of both, with what each has now. `points` went back to the one who was given up."""

    customer_id: UUID
    other: UUID
    merge_id: UUID
    points: Points
    balance: Points
    debt: Points = 0
    pending: Points = 0
    booked_at: Instant | None = None
