"""What a service is made of: its `app.py` names the parts, and nothing else. Pure."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.decider import Aggregate
from shared.http import Route
from shared.message import Command, Envelope, Event, Vocabulary
from shared.policy import AGGREGATE as POLICY
from shared.postgres import Tx
from shared.running import Running


@dataclass(frozen=True)
class Hearing:
    """Another service's events that this one reacts to; what is not in `events` is passed over."""

    speaker: str
    events: tuple[type[Event], ...]
    react: Callable[[Any], Sequence[Command]]


@dataclass(frozen=True)
class Heard:
    """Another service's events that fill views."""

    speaker: str
    events: tuple[type[Event], ...]


@dataclass(frozen=True)
class ViewSet:
    """A service's views: the declarative text of their tables, and what fills them. A changed text is built beside.

    `hears` empty: they follow the service's own feed. So is a changed list of events that can be read; a `project` that
    changed alone needs a changed text, if only a comment.
    """

    sql: Path
    project: Callable[[Tx, Sequence[Envelope]], Awaitable[None]]
    hears: tuple[Heard, ...] = ()


@dataclass(frozen=True)
class Service:
    """The parts of one service, by name. `says` are its public events; without any there is neither topic nor relay."""

    name: str
    says: tuple[type[Event], ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    hears: tuple[Hearing, ...] = ()
    views: ViewSet | None = None
    routes: tuple[Route, ...] = ()
    policy: type[BaseModel] | None = None
    workers: tuple[Callable[[Running], Awaitable[None]], ...] = ()

    @property
    def vocabulary(self) -> Vocabulary:
        """Return the event types of the service's own streams."""
        return Vocabulary(event for aggregate in self.all_aggregates for event in aggregate.events)

    @property
    def seen_by_views(self) -> frozenset[str]:
        """Return the names, with their versions, of the events that the views can read."""
        heard = self.views.hears if self.views else ()
        types = [e for one in heard for e in one.events] or [e for a in self.all_aggregates for e in a.events]
        return frozenset(f"{event.name}.v{event.version}" for event in types)

    @property
    def all_aggregates(self) -> tuple[Aggregate, ...]:
        """Return the aggregates, with that of the policy where the service has terms."""
        return (*self.aggregates, POLICY) if self.policy else self.aggregates
