"""Whether a store is the one that Kafka has heard, and where the two part. Pure; numbers are those of the feed.

A store that was restored to an earlier time would give the numbers of what it has lost to other events, and whoever
heard the lost ones would skip those. So it says nothing until a rebase has found the cut, up to which it agrees with
all that was heard, and has begun an epoch that nobody can have heard of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from shared.channel import Arrived, Beat, Link, Word, said_in
from shared.message import BEGINNING, Position

Item = TypeVar("Item", bound=Arrived)


class Server(NamedTuple):
    """Which database server it is; a restore to a point in time, and a promotion, begin another timeline."""

    system_id: int
    timeline: int


@dataclass(frozen=True, slots=True)
class Store:
    """What a store says of itself, and of the server that it was made or last rebased in."""

    lived_in: Server
    is_in: Server
    epoch: int
    number: int
    relayed: int
    is_from_the_future: bool  # it has events of transactions that the server has not begun


class Heard(NamedTuple):
    """A position of a store's feed that somebody knows, and whether the feed has the same there."""

    position: Position
    is_said: bool


def doubt(store: Store) -> str | None:
    """Return why a store cannot be the one that spoke last, to be read after "the store"; none when it may be."""
    if store.lived_in != store.is_in:
        was, is_now = (f"{one.system_id} on timeline {one.timeline}" for one in (store.lived_in, store.is_in))
        return f"lived in database {was} and is now in {is_now}"
    if store.is_from_the_future:
        return "holds events of transactions that this database has not begun"
    if store.relayed > store.number:
        return "has sent more than its feed holds"
    return None


def denial(heard: Heard, said_in: int, epoch: int) -> str | None:
    """Return how a record in Kafka shows that a store went back, to be read after "Kafka has heard this".

    A dump that is restored in its own server after a rebase knows nothing of it, and all that it says was said before:
    that the record was said in a later epoch is all that shows it.
    """
    if said_in > epoch:
        return f"and its store is at epoch {epoch} only"
    return None if heard.is_said else "which its feed does not say"


def latest(tail: Sequence[Item]) -> list[Item]:
    """Return the furthest event and the furthest beat among a partition's last records; a twin may have repeated.

    A later epoch than theirs is shown by one more: a beat that names an older event.
    """
    found: dict[type, Item] = {}
    for item in tail:
        kind = type(item.word)
        if kind not in found or item.word.position >= found[kind].word.position:
            found[kind] = item
    furthest = [found[kind] for kind in (Link, Beat) if kind in found]
    known = max((said_in(item.word) for item in furthest), default=0)
    return furthest + [item for item in tail if said_in(item.word) > known][-1:]


def is_cut_off(position: Position, epoch: int) -> bool:
    """Return whether a rebase that the store knows has cut off a position that its feed does not have.

    `epoch` is that of the position's number in the feed, or the store's own where the feed does not go so far.
    """
    return position.epoch < epoch


@dataclass
class Cut:
    """Finds the last number of a feed up to which nothing that anybody has heard contradicts it."""

    head: int
    epoch: int
    highest: Position = BEGINNING
    _said_in: int = 0
    _strange: int | None = None
    _common: list[int] = field(default_factory=list)

    def kafka(self, page: Sequence[Heard]) -> None:
        """Note records of Kafka."""
        self.listeners(page)
        below = min((h.position.number for h in page if not h.is_said), default=self.head + 1)
        common = (h.position.number for h in page if h.is_said and h.position.number < below)
        self._common.append(max(common, default=0))

    def words(self, words: Iterable[Word]) -> None:
        """Note in which epochs Kafka's records were said, whatever events they name."""
        self._said_in = max([self._said_in, *map(said_in, words)])

    def listeners(self, places: Iterable[Heard]) -> None:
        """Note how far listeners are: what they have applied may be in Kafka no more."""
        for position, is_said in places:
            if not is_said:
                self._strange = min(self._strange or position.number, position.number)
                self.highest = max(self.highest, position)

    @property
    def newest(self) -> int:
        """Return the latest epoch that anybody has heard of."""
        return max(self.highest.epoch, self._said_in)

    @property
    def is_whole(self) -> bool:
        """Return whether nobody has heard anything that the store does not know."""
        return self._strange is None and self.newest <= self.epoch

    @property
    def number(self) -> int:
        """Return the cut."""
        strange = self.head + 1 if self._strange is None else self._strange
        if self.newest > self.epoch:
            # where that epoch began may be heard no more; but Kafka was emptied then, and below it has what is common
            return max((n for n in self._common if n < strange), default=0)
        return min(self.head, strange - 1)


def next_epoch(own: int, heard: int, now: float) -> int:
    """Return an epoch above every one used before, also by a life of the store that nobody remembers."""
    return max(own + 1, heard + 1, int(now))
