"""A relay's process: it reads a page, sends it batch by batch, moves the cursor, beats; it may fail anywhere. Pure."""

from random import Random

from shared.channel import Link, first_break
from shared.message import Position
from tests.faults.model.kafka import Partition
from tests.faults.model.rules import Rules
from tests.faults.model.store import Led, Row, SpeakersStore

PAGE = 20
BATCH = 3
BEAT_EVERY = 40  # steps
FAILS = 0.03  # of the batches


class Relay:
    """One of two; whoever thinks that it leads can only repeat what the feed says."""

    def __init__(self, rules: Rules, rng: Random, store: SpeakersStore, topic: list[Partition]) -> None:
        self._rules, self._rng, self._store, self._topic = rules, rng, store, topic
        self.sleeps_until = 0
        self.is_old = rng.random() < 0.3  # it has not been deployed anew: it knows no class that is new
        self._told: dict[int, Position] = {}
        self.die()

    def die(self) -> None:
        """Forget everything."""
        self.led: Led | None = None
        self._upto = 0
        self._page: list[tuple[int, list[Row]]] | None = None
        self._beaten = 0
        self._told.clear()

    def step(self, now: int) -> None:
        """Do the next thing."""
        if now < self.sleeps_until:
            return
        if self.led is None:
            self.led = self._store.lead(now)
            return
        self._store.renew(self.led, now)
        if self._page is None:
            self._read(self.led)
        elif self._page:
            if not self._send(*self._page.pop()):
                self.die()
        else:
            self._move(self.led, now)

    def _move(self, led: Led, now: int) -> None:
        moved = self._store.move(led, self._upto)
        if moved is None:
            self.die()
            return
        self.led, self._page = moved, None
        if now - self._beaten > BEAT_EVERY:
            self.beat(now)

    def beat(self, now: int) -> None:
        """Tell every partition its last public event."""
        self._beaten = now
        if self.led:
            for part, beat in self._store.beats(self.led.number).items():
                self._topic[part].put(beat, None)

    def _read(self, led: Led) -> None:
        upto = min(len(self._store.feed), led.number + PAGE)
        if upto <= led.number:
            return
        parts: dict[int, list[Row]] = {}
        for row in self._store.between(led.number, upto):
            assert row.event.part is not None
            parts.setdefault(row.event.part, []).append(row)
        if not self._rules.stores_chain:
            parts = {part: self._chained(part, rows) for part, rows in parts.items()}
        for rows in parts.values():
            assert first_break(row.link for row in rows) is None, "the feed's own chain is broken"
        self._upto, self._page = upto, list(parts.items())

    def _chained(self, part: int, rows: list[Row]) -> list[Row]:
        """Make the chain of what this process takes for public."""
        chained = []
        prev = self._told.get(part) or rows[0].link.prev
        for row in rows:
            if self.is_old and row.event.is_of_new_class:
                continue
            chained.append(row._replace(link=Link(row.link.position, prev)))
            prev = row.link.position
        self._told[part] = prev
        return chained

    def _send(self, part: int, rows: list[Row]) -> bool:
        """Send a partition's rows; where a batch fails for good, part of it may be there, and a later one too."""
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        for n, batch in enumerate(batches):
            if self._rng.random() < FAILS:
                if self._rng.random() < 0.3:
                    self._put(part, batch)
                if self._rng.random() < 0.5:
                    self._put(part, batches[n + 1] if n + 1 < len(batches) else [])
                return False
            self._put(part, batch)
        return True

    def _put(self, part: int, rows: list[Row]) -> None:
        for row in rows:
            self._topic[part].put(row.link, row.event)
