"""Kafka as far as the channel sees it: partitions that repeat, and lose their tail, their head or everything. Pure."""

from typing import NamedTuple

from shared.channel import Word
from tests.faults.model.store import Event


class Told(NamedTuple):
    """What a consumer is told: an event, or none with a beat or the end of a page of the feed, which has no offset."""

    word: Word
    offset: int | None
    event: Event | None

    @property
    def key(self) -> str:
        """Return the event's key."""
        return self.event.key if self.event else ""


class Partition:
    """The records that one partition still has; `base` is the first one's offset."""

    def __init__(self) -> None:
        self.base = 0
        self.log: list[Told] = []

    @property
    def end(self) -> int:
        """Return the offset after the last record."""
        return self.base + len(self.log)

    def put(self, word: Word, event: Event | None) -> None:
        """Take a record."""
        self.log.append(Told(word, self.base + len(self.log), event))

    def read(self, offset: int, most: int) -> list[Told]:
        """Return records from an offset on, from the first one where the offset is out of range."""
        start = offset - self.base
        if not 0 <= start <= len(self.log):
            start = 0
        return self.log[start : start + most]

    def lose_tail(self, count: int) -> None:
        """Forget the last records; their offsets will be given again."""
        del self.log[len(self.log) - count :]

    def lose_head(self, count: int) -> None:
        """Forget the first records, as retention does."""
        del self.log[:count]
        self.base += count

    def wipe(self) -> None:
        """Be made anew."""
        self.base = 0
        self.log.clear()
