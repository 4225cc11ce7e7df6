"""A listener's process: it fetches, applies, seeks, fills gaps from the feed; what it has in hand may be old. Pure."""

from random import Random

from shared.channel import Followed, needed
from shared.message import BEGINNING, Position
from shared.parting import is_cut_off
from tests.faults.model.kafka import Partition, Told
from tests.faults.model.listener import Listener
from tests.faults.model.store import Row, SpeakersStore

FETCH = 12
PAGE = 10


class Member:
    """One member of a listener's group. `is_open` says whether the speaker's feed answers."""

    def __init__(self, rng: Random, listener: Listener, store: SpeakersStore, topic: list[Partition]) -> None:
        self._rng, self._listener, self._store, self._topic = rng, listener, store, topic
        self.sleeps_until = 0
        self.parts: list[int] = []
        self.offsets: dict[int, int] = {}
        self._sought: dict[int, int] = {}
        self._filling: dict[int, Position] = {}
        self._catches_up = False
        self._hand: tuple[int, list[Told]] | None = None
        self._page: tuple[int, list[Row]] | None = None

    def die(self) -> None:
        """Forget everything."""
        self.parts, self._hand, self._page, self._catches_up = [], None, None, False
        self._sought.clear()
        self._filling.clear()

    def assign(self, parts: list[int]) -> None:
        """Read some partitions on where the rows say."""
        self.parts = parts
        self._sought.clear()
        for part in parts if self._listener.rows else ():
            self.offsets[part] = self._listener.rows[part].next_offset

    def step(self, now: int, *, is_open: bool) -> None:
        """Do the next thing."""
        if now < self.sleeps_until:
            return
        if not self._listener.rows:
            self._listener.place([partition.end for partition in self._topic])
            self._catches_up = True
        elif self._catches_up:
            self._catch_up(is_open=is_open)
        elif self._hand:
            part, told = self._hand
            self._hand = None
            self._close(part, self._listener.take(part, told))
        elif self._filling and self._rng.random() < 0.5:
            self._fill(is_open=is_open)
        elif self.parts:
            self._fetch(self._rng.choice(self.parts))

    def _fetch(self, part: int) -> None:
        if part in self._filling:
            return
        offset = self.offsets.setdefault(part, self._listener.rows[part].next_offset)
        told = self._topic[part].read(offset, FETCH)
        if told:
            assert told[-1].offset is not None
            self._hand, self.offsets[part] = (part, told), told[-1].offset + 1
        else:
            self.offsets[part] = self._topic[part].end

    def _close(self, part: int, followed: Followed[Told]) -> None:
        if followed.gap is None or part in self._filling:
            return
        wanted = followed.place.next_offset
        if self._sought.get(part) != wanted:
            self._sought[part] = self.offsets[part] = wanted
        else:
            self._filling[part] = needed(followed.gap.word)

    def _catch_up(self, *, is_open: bool) -> None:
        if is_open and self._page is None:
            page = self._store.relayed(min(self._listener.last.values()), PAGE)
            self._catches_up = bool(page)
            self._page = (-1, page) if page else None
        elif self._page:
            self._listener.take_page(self._page[1])
            self._page = None

    def _fill(self, *, is_open: bool) -> None:
        part, wanted = next(iter(self._filling.items()))
        if self._page:
            part, rows = self._page
            self._page = None
            self._listener.take(part, [Told(row.link, None, row.event) for row in rows])
            return
        if self._listener.rows[part].last >= wanted:
            del self._filling[part]
            self.offsets[part] = self._listener.rows[part].next_offset
        elif is_open:
            rows = self._store.relayed(self._listener.rows[part].last, PAGE, part)
            self._page = (part, rows) if rows else None
            if not rows and is_cut_off(wanted, self._store.epoch):
                self._filling[part] = BEGINNING
