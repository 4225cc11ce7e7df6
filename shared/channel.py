"""The rules of the channel from a speaker's feed to a consumer, for one partition of one topic. Pure.

Kafka may repeat, reorder, lose its tail or its head. Every public event names its predecessor, so that a consumer which
knows the last position it applied can tell a repeat from news, and news from a hole. Offsets only save work: whatever
offset a consumer reads from, these rules apply each event once and in order, or say that something is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from shared.message import Position

BITS = 63  # what a row can hold; a number that is negative, or larger, leaves something above them


class Link(NamedTuple):
    """An event's place in its feed, and that of the public event before it in its partition."""

    position: Position
    prev: Position


Numbers: TypeAlias = tuple[tuple[int, int], tuple[int, int]]  # a link, where a page of them is to be cheap


class Beat(NamedTuple):
    """The speaker says which public event is its partition's last, so that a lost tail shows where nothing follows.

    `epoch` is the one in which its store gives numbers now: the last event may be of an earlier one.
    """

    position: Position
    epoch: int


class Reached(NamedTuple):
    """The reader of a feed has seen every public event up to here, in every partition."""

    position: Position


Word: TypeAlias = Link | Beat | Reached


class Verdict(Enum):
    """What a word means to a consumer that has applied everything up to some position."""

    SKIP = "skip"  # known
    APPLY = "apply"  # the next event
    READ = "read"  # the feed holds nothing for this partition up to here
    GAP = "gap"  # something before it has not been heard


class Arrived(Protocol):
    """Something that came in: from Kafka at an offset, or from the feed, which has none."""

    @property
    def word(self) -> Word:
        """Return its place in the feed."""

    @property
    def offset(self) -> int | None:
        """Return its Kafka offset."""


Item = TypeVar("Item", bound=Arrived)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a consumer is in a partition: the last position applied, and the Kafka offset to read next."""

    last: Position
    next_offset: int


@dataclass(frozen=True, slots=True)
class Followed(Generic[Item]):
    """What became of a row of arrivals: those to apply, the place after them, and the one that shows a gap, if any."""

    fresh: Sequence[Item]
    place: Place
    gap: Item | None


def judge(last: Position, word: Word) -> Verdict:
    """Return what to do about a word. Predecessors are compared as pairs: bare numbers would mix up epochs."""
    if word.position <= last:
        return Verdict.SKIP
    match word:
        case Link(prev=prev):
            return Verdict.APPLY if prev <= last else Verdict.GAP
        case Beat():
            return Verdict.GAP
        case Reached():
            return Verdict.READ


def follow(place: Place, arrivals: Iterable[Item]) -> Followed[Item]:
    """Walk through a partition's arrivals in their order, up to the first gap.

    An event applied says where to read on, be it further back; what is skipped only ever moves the offset forward.
    """
    last, next_offset = place.last, place.next_offset
    fresh: list[Item] = []
    for arrival in arrivals:
        verdict = judge(last, arrival.word)
        if verdict is Verdict.GAP:
            return Followed(fresh, Place(last, next_offset), arrival)
        if verdict is Verdict.APPLY:
            fresh.append(arrival)
        if verdict is not Verdict.SKIP:
            last = arrival.word.position
        if arrival.offset is not None:
            after = arrival.offset + 1
            next_offset = after if verdict is Verdict.APPLY else max(next_offset, after)
    return Followed(fresh, Place(last, next_offset), None)


def needed(word: Word) -> Position:
    """Return the position that must have been applied before a word that shows a gap can be taken."""
    return word.prev if isinstance(word, Link) else word.position


def said_in(word: Word) -> int:
    """Return the epoch that the speaker's store had begun when it said this, as far as the word tells."""
    return word.epoch if isinstance(word, Beat) else word.position.epoch


def first_break(links: Iterable[Numbers]) -> Numbers | None:
    """Return the first of a partition's links that does not name the one before it: such a chain must not be sent."""
    before: tuple[int, int] | None = None
    for link in links:
        position, prev = link
        if prev >= position or (before is not None and prev != before):
            return link
        before = position
    return None


def write_link(link: Numbers) -> bytes:
    """Return the text of the header `feed`."""
    (epoch, number), (prev_epoch, prev_number) = link
    return b"%d:%d:%d:%d" % (epoch, number, prev_epoch, prev_number)


def read_beat(text: bytes, epoch: bytes | None) -> Beat:
    """Return the beat of the headers `beat` and `epoch`, which an older relay leaves out; raise ValueError for none."""
    position = read_position(text)
    begun = position.epoch if epoch is None else int(epoch)
    if begun >> BITS:
        raise ValueError(f"not an epoch: {epoch!r}")
    return Beat(position, begun)


def read_link(text: bytes) -> Link:
    """Return the link of a header `feed`; raise ValueError when it is none."""
    epoch, number, prev_epoch, prev_number = map(int, text.split(b":"))
    if (epoch | number | prev_epoch | prev_number) >> BITS:
        raise ValueError(f"not numbers of a feed: {text!r}")
    return Link(Position(epoch, number), Position(prev_epoch, prev_number))


def write_position(position: Position) -> str:
    """Return a position as headers and queries write it."""
    return f"{position.epoch}:{position.number}"


def read_position(text: str | bytes) -> Position:
    """Return the position of a text; raise ValueError when it is none."""
    epoch, number = map(int, text.split(b":") if isinstance(text, bytes) else text.split(":"))
    if (epoch | number) >> BITS:
        raise ValueError(f"not a number of a feed: {text!r}")
    return Position(epoch, number)
