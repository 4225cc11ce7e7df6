"""A listener's database: fence rows, effects, parked keys and dead letters, each call one transaction. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.channel import Followed, Place, Reached, follow
from shared.diverting import divert
from shared.message import BEGINNING, Position
from tests.faults.model.kafka import Told
from tests.faults.model.rules import Rules
from tests.faults.model.store import PARTITIONS, Event, Row


class Poison(Exception):
    """The effect meets a bug."""


class Kept(NamedTuple):
    """A copy of the database."""

    rows: dict[int, Place]
    applied: set[int]
    log: list[Event]
    letters: dict[str, list[Event]]


class Listener:
    """One consumer's rows; its processes are in `member`. A key is parked while it is in `letters`."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.rows: dict[int, Place] = {}
        self.log: list[Event] = []
        self.letters: dict[str, list[Event]] = {}
        self.poison: set[int] = set()
        self._applied: set[int] = set()  # the effects' natural keys
        self._redriving: tuple[str, bool] | None = None

    def place(self, ends: Sequence[int]) -> None:
        """Be born, to hear everything from the beginning."""
        self.rows = {part: Place(BEGINNING, end) for part, end in enumerate(ends)}

    def take(self, part: int, told: Sequence[Told]) -> Followed[Told]:
        """Apply what is new of one partition."""
        followed = follow(self.rows[part], told)
        if followed.fresh:
            chosen = divert(followed.fresh, self.letters, self._read)
            for event in chosen.events:
                self._apply(event)
            for letter, _ in chosen.letters:
                assert letter.event
                self.letters.setdefault(letter.key, []).append(letter.event)
        self.rows[part] = followed.place
        return followed

    def take_page(self, page: Sequence[Row]) -> None:
        """Apply a page of the feed, of all partitions."""
        end = page[-1].link.position
        for part in range(PARTITIONS):
            told = [Told(row.link, None, row.event) for row in page if row.event.part == part]
            self.take(part, [*told, Told(Reached(end), None, None)])

    def redrive(self) -> None:
        """Apply the oldest letter of a parked key; with the last one the key is parked no more."""
        if self._redriving is None:
            key = next(iter(self.letters), None)
            if key is None:
                return
            self._redriving = key, len(self.letters[key]) <= 1
            if not self._rules.locks_redrive:
                return  # the consumer may go on before the rest is done
        (key, is_last), self._redriving = self._redriving, None
        waiting = self.letters.get(key, [])
        if waiting and waiting[0].uid not in self.poison:
            self._apply(waiting.pop(0))
            if is_last:
                self.letters.pop(key)

    def crash(self) -> None:
        """Forget what was under way."""
        self._redriving = None

    def keep(self) -> Kept:
        """Return a copy."""
        letters = {key: waiting[:] for key, waiting in self.letters.items()}
        return Kept(dict(self.rows), self._applied.copy(), self.log[:], letters)

    def restore(self, kept: Kept) -> None:
        """Be as a copy was."""
        self.rows, self._applied, self.log = dict(kept.rows), kept.applied.copy(), kept.log[:]
        self.letters = {key: waiting[:] for key, waiting in kept.letters.items()}
        self.crash()

    @property
    def last(self) -> dict[int, Position]:
        """Return how far it is."""
        return {part: place.last for part, place in self.rows.items()}

    def _read(self, told: Told) -> Event:
        assert told.event
        if told.event.uid in self.poison:
            raise Poison
        return told.event

    def _apply(self, event: Event) -> None:
        if self._rules.keeps_natural_keys:
            if event.uid in self._applied:
                return
            self._applied.add(event.uid)
        self.log.append(event)
