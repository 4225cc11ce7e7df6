"""What a domain module offers (the module is the decider), its guards, and the fold. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from shared.errors import Rejected
from shared.message import Command, Envelope, Event
from shared.postgres import Tx


class Domain(Protocol):
    """A module of rules. SHAPE grows when the state's form, or the fold that makes it, changes."""

    SHAPE: int
    initial: Any

    def decide(self, command: Any, state: Any, /) -> Sequence[Event]:
        """Return the events the command causes; raise Rejected when a rule forbids it."""

    def evolve(self, state: Any, event: Any, /) -> Any:
        """Return the state after the event; never refuses, for it has happened."""


class Guards(Protocol):
    """Small tables that change in the transaction of the events, and bring commands what the rules must know."""

    async def gather(self, tx: Tx, commands: Sequence[Any], /) -> Sequence[Command]:
        """Return the commands, as many and in the same order, with what their rules need.

        Each names another stream, but for commands that are renewed.
        """

    async def guard(self, tx: Tx, events: Sequence[Envelope], /) -> None:
        """Move the tables with the events, which are in the order of the commands."""


# a command as it was gathered, the one before it as it was decided, and what that told: the command as it is decided
Renewal: TypeAlias = Callable[[Any, Any, Sequence[Event]], Command]


@dataclass(frozen=True)
class Aggregate:
    """A kind of stream: its rules, what it takes and says, and the command fields that name the stream and its key.

    Of the commands in `renewed` several for one stream are gathered together: each later one is told what those before
    it did. `follow` makes of a command and its stream's state the command for the stream on which that one goes on;
    None where it stays. Commands of `in_turn` are about several streams: in a batch all that was asked before them
    comes first.
    """

    category: str
    domain: Domain
    state: Any
    commands: tuple[type[Command], ...]
    events: tuple[type[Event], ...]
    key: str
    partition: str | None = None
    guards: Guards | None = None
    renewed: Mapping[type[Command], Renewal] = field(default_factory=dict)
    follow: Callable[[Any, Any], Command | None] | None = None
    in_turn: tuple[type[Command], ...] = ()

    def fold(self, events: Iterable[Event], state: Any = None) -> Any:
        """Return the state after `events`, from `state` or from the beginning."""
        state = self.domain.initial if state is None else state
        for event in events:
            state = self.domain.evolve(state, event)
        return state

    def own(self, stream_id: UUID, category: str) -> None:
        """Raise Rejected for a stream of another kind: whoever chose its id was late."""
        if category != self.category:
            raise Rejected("id-taken", id=stream_id, kind=category)
