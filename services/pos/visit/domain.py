"""A visit: somebody came in, and was greeted or not by name. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

from contracts.pos import VisitCheckedIn
from shared.message import Command

SHAPE = 1
_VISITS = UUID("6f4b4a55-29b0-5f0e-9a52-0d4d5c1c7a05")


def visit_id(branch: str, till: str, seq: int) -> UUID:
    """Return the id of the visit that a till told under a number."""
    return uuid5(_VISITS, f"{branch}/{till}/{seq}")


class CheckIn(Command):
    """Record that somebody came in. `on` is the branch's local day."""

    visit_id: UUID
    branch: str
    till: str
    zone: str
    on: date
    customer_id: UUID | None = None


@dataclass(frozen=True)
class Visit:
    """A visit, once it has begun."""

    begun: bool = False


initial = Visit()


def decide(command: CheckIn, visit: Visit) -> Sequence[VisitCheckedIn]:
    """Say that the visit has begun, once."""
    if visit.begun:
        return []
    return [
        VisitCheckedIn(
            at=command.at,
            visit_id=command.visit_id,
            branch=command.branch,
            till=command.till,
            zone=command.zone,
            on=command.on,
            customer_id=command.customer_id,
        )
    ]


def evolve(_visit: Visit, _event: VisitCheckedIn) -> Visit:
    """Return a visit that has begun."""
    return Visit(begun=True)
