"""A service to measure the kernel with: counters whose events have the length of the salon's."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast
from uuid import UUID

from shared.decider import Aggregate, Domain
from shared.message import Command, Event
from shared.service import Service

SHAPE = 1
TEXT = "x" * 180


class Note(Command):
    """Add to a counter, with a note."""

    counter_id: UUID
    amount: int
    note: str

    @classmethod
    def of(cls, counter_id: UUID, at: datetime) -> "Note":
        """Return a command whose events are about 300 bytes each."""
        return cls(at=at, counter_id=counter_id, amount=1, note=TEXT)


class Added(Event):
    """It was added."""

    counter_id: UUID
    amount: int
    note: str

    @classmethod
    def is_public(cls) -> bool:
        """Stand for an event of `contracts`."""
        return True


@dataclass(frozen=True)
class Counter:
    """What is there."""

    total: int = 0


initial = Counter()


def decide(command: Note, counter: Counter) -> Sequence[Event]:
    """Add."""
    return [Added(at=command.at, counter_id=command.counter_id, amount=command.amount, note=command.note)]


def evolve(counter: Counter, event: Added) -> Counter:
    """Count."""
    return replace(counter, total=counter.total + event.amount)


COUNTER = Aggregate("counter", cast(Domain, sys.modules[__name__]), Counter, (Note,), (Added,), key="counter_id")
NOTED = Service("feedback", says=(Added,), aggregates=(COUNTER,))
