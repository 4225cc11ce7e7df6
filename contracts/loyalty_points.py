"""What the points ledger says. Points are whole; `branch` and `on` (local day) are the receipt's."""

from datetime import date
from uuid import UUID

from contracts.money import Points, Whole
from shared.message import Event


class PointsEarned(Event):
    """A member's receipt earned; `repaid` of the points settled a debt, `balance` and `debt` stand after it."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    on: date
    points: Points
    repaid: Points = 0
    balance: Points
    debt: Points = 0
    policy_version: Whole


class PointsTakenBack(Event):
    """A refund took points of a receipt back; what the balance could not give became debt."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    on: date
    points: Points
    balance: Points
    debt: Points = 0
    policy_version: Whole


EVENTS = (PointsEarned, PointsTakenBack)
