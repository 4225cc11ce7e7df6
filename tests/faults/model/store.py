"""The speaker's store: streams, transactions left open, the sequencer's feed, the relay's cursor. Pure."""

from bisect import bisect_right
from random import Random
from typing import NamedTuple

from shared.channel import Beat, Link
from shared.message import BEGINNING, Position
from shared.parting import Server, Store, doubt
from tests.faults.model.rules import Rules

PARTITIONS = 3
STREAMS = 12
KEYS = 7
LEASE = 25  # steps


class Event(NamedTuple):
    """An event; `uid` says which one it is in whatever life of the store, and grows with the order of insertion."""

    uid: int
    stream: int
    version: int
    key: str
    part: int | None
    is_of_new_class: bool


class Row(NamedTuple):
    """A row of the feed."""

    link: Link
    event: Event


class Led(NamedTuple):
    """A lease: the leader's number, and how far the cursor was."""

    leader: int
    number: int


class Kept(NamedTuple):
    """A copy of the database."""

    at: int
    feed: list[Row]
    fresh: list[Event]
    versions: list[int]
    last_public: dict[int, Position]
    epoch: int
    cursor: int
    lived_in: Server


class SpeakersStore:
    """What is committed, but for `open`; the methods are the statements of the kernel's SQL."""

    def __init__(self, rules: Rules, rng: Random) -> None:
        self._rules, self._rng = rules, rng
        self.feed: list[Row] = []
        self.fresh: list[Event] = []
        self.versions = [0] * STREAMS
        self.last_public: dict[int, Position] = {}
        self.epoch, self.cursor, self.leader, self.lease_until = 1, 0, 0, -1
        self.lived_in = self.is_in = Server(1, 1)
        self.open: dict[int, list[Event]] = {}
        self._uid = 0

    def append(self) -> list[Event]:
        """Append to a stream, or begin to; return the events."""
        rng = self._rng
        stream = int(rng.random() * STREAMS)
        if stream in self.open:
            return []
        version = self.versions[stream]
        told = [self._event(stream, version + 1 + n) for n in range(1 + int(rng.random() * 3))]
        if rng.random() < 0.15:
            self.open[stream] = told
        else:
            self._commit(stream, told)
        return told

    def _event(self, stream: int, version: int) -> Event:
        self._uid += 1
        key = stream if self._rules.fixes_key else stream + version // 10
        part = key % KEYS % PARTITIONS if self._rng.random() < 0.8 else None
        return Event(self._uid, stream, version, str(key % KEYS), part, self._uid % 10 == 0)

    def _commit(self, stream: int, told: list[Event]) -> None:
        self.fresh += told
        self.versions[stream] = told[-1].version

    def end_transactions(self) -> None:
        """Commit what was left open, or roll it back."""
        for stream, told in self.open.items():
            if self._rng.random() < 0.9:
                self._commit(stream, told)
        self.open.clear()

    def number_events(self) -> None:
        """Give every committed event its place."""
        self.fresh.sort()
        for event in self.fresh:
            place = Position(self.epoch, len(self.feed) + 1)
            if event.part is None:
                self.feed.append(Row(Link(place, BEGINNING), event))
                continue
            self.feed.append(Row(Link(place, self.last_public.get(event.part, BEGINNING)), event))
            self.last_public[event.part] = place
        self.fresh.clear()

    def lead(self, now: int) -> Led | None:
        """Give the lease to whoever asks, if it is free."""
        if self.lease_until >= now:
            return None
        self.leader, self.lease_until = self.leader + 1, now + LEASE
        return Led(self.leader, self.cursor)

    def renew(self, led: Led, now: int) -> None:
        """Hold the lease a while longer."""
        if self.leader == led.leader:
            self.lease_until = now + LEASE

    def move(self, led: Led, upto: int) -> Led | None:
        """Move the cursor from where the page began; none when another leads."""
        if (self.leader, self.cursor) != led:
            return None
        self.cursor = upto
        return Led(led.leader, upto)

    def between(self, after: int, upto: int, part: int | None = None) -> list[Row]:
        """Return public rows above one number, up to another, of one partition or all."""
        wanted = (range(PARTITIONS)) if part is None else (part,)
        rows = [row for row in self.feed[after:upto] if row.event.part in wanted]
        return rows if self._rules.stores_epoch else [self._stamped(row) for row in rows]

    def _stamped(self, row: Row) -> Row:
        (_, number), (_, prev) = row.link
        return row._replace(link=Link(Position(self.epoch, number), Position(self.epoch if prev else 0, prev)))

    def relayed(self, after: Position, limit: int, part: int | None = None) -> list[Row]:
        """Return what the HTTP feed gives after a position."""
        number = bisect_right(self.feed, after, key=_position) if self._rules.reads_by_position else after.number
        return self.between(number, self.cursor, part)[:limit]

    def beats(self, upto: int) -> dict[int, Beat]:
        """Return each partition's beat for its last public event at or below a number, or for the beginning."""
        lasts = self._lasts(upto)
        told = {part: lasts.get(part, BEGINNING) for part in range(PARTITIONS)}
        return {part: Beat(last, self.epoch if self._rules.names_epoch else last.epoch) for part, last in told.items()}

    def _lasts(self, upto: int) -> dict[int, Position]:
        found: dict[int, Position] = {}
        for row in reversed(self.feed[:upto]):
            if row.event.part is not None and row.event.part not in found:
                found[row.event.part] = row.link.position
                if len(found) == PARTITIONS:
                    break
        return found

    def says(self, position: Position, event: Event | None = None) -> bool:
        """Return whether the feed has a position, and the event there."""
        if position.number > len(self.feed):
            return False
        row = self.feed[position.number - 1] if position.number else None
        return row is None or (row.link.position == position and event in (None, row.event))

    def epoch_at(self, number: int) -> int:
        """Return the epoch of a number, or the store's where the feed does not go so far."""
        return self.feed[number - 1].link.position.epoch if 0 < number <= len(self.feed) else self.epoch

    def doubt(self) -> str | None:
        """Return why the store cannot be the one that spoke last."""
        return doubt(Store(self.lived_in, self.is_in, self.epoch, len(self.feed), self.cursor, False))

    def keep(self, now: int) -> Kept:
        """Return a copy."""
        return Kept(
            now,
            self.feed[:],
            self.fresh[:],
            self.versions[:],
            dict(self.last_public),
            self.epoch,
            self.cursor,
            self.lived_in,
        )

    def restore(self, kept: Kept, is_in: Server) -> None:
        """Be as a copy was, in the same server or another."""
        self.feed, self.fresh, self.versions = kept.feed[:], kept.fresh[:], kept.versions[:]
        self.last_public, self.epoch, self.cursor = dict(kept.last_public), kept.epoch, kept.cursor
        self.lived_in, self.is_in, self.lease_until = kept.lived_in, is_in, -1
        self.open.clear()


def _position(row: Row) -> Position:
    return row.link.position
