"""A spending: points that a till let somebody spend on a receipt; what they cost her, the points ledger says. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts.pos import PointsSpentAtTill
from shared.errors import Rejected
from shared.message import Command

SHAPE = 1


class RecordSpending(Command):
    """Record that points were spent on a receipt. `on` is the branch's local day."""

    spending_id: UUID
    branch: str
    till: str
    number: str
    zone: str
    on: date
    customer_id: UUID
    points: int


@dataclass(frozen=True)
class Spending:
    """A spending, once it is known."""

    known: bool = False


initial = Spending()


def decide(command: RecordSpending, spending: Spending) -> Sequence[PointsSpentAtTill]:
    """Say what was spent; refuse a second time on one receipt."""
    if spending.known:
        raise Rejected("receipt-reused")
    return [
        PointsSpentAtTill(
            at=command.at,
            spending_id=command.spending_id,
            branch=command.branch,
            till=command.till,
            number=command.number,
            zone=command.zone,
            on=command.on,
            customer_id=command.customer_id,
            points=command.points,
        )
    ]


def evolve(_spending: Spending, _event: PointsSpentAtTill) -> Spending:
    """Return a spending that is known."""
    return Spending(known=True)
