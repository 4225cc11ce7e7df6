"""Given, when, then for a decider: what happened, one command, and what it causes. Pure."""

from dataclasses import dataclass, replace

import pytest

from shared.decider import Domain
from shared.errors import Rejected
from shared.message import Command, Event


@dataclass(frozen=True)
class Scenario:
    """A domain with a history; `given` and `when` return a new one, so that tests may share a beginning."""

    domain: Domain
    history: tuple[Event, ...] = ()
    command: Command | None = None

    def given(self, *events: Event) -> "Scenario":
        return replace(self, history=(*self.history, *events))

    def when(self, command: Command) -> "Scenario":
        return replace(self, command=command)

    def then(self, *events: Event) -> None:
        """Hold when the command causes just these events, in this order; `.then()` means that nothing happens."""
        assert tuple(self._decided()) == events

    def rejected(self, code: str, **facts: object) -> None:
        """Hold when it is refused with that code, and with just these facts where some are given."""
        with pytest.raises(Rejected) as refusal:
            self._decided()
        assert refusal.value.code == code
        assert not facts or refusal.value.facts == facts

    def _decided(self) -> list[Event]:
        state = self.domain.initial
        for event in self.history:
            state = self.domain.evolve(state, event)
        return list(self.domain.decide(self.command, state))
