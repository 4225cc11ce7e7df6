"""What is missing of a till's sequence. Pure; spans are inclusive at both ends.

A gap opens when the sequence jumps, and closes when all of it has come. Until then it keeps the ends it opened with,
while what is still missing of it is pieces.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

Span = tuple[int, int]


class Piece(NamedTuple):
    """A span that is missing, and the gap that it is left of."""

    first: int
    last: int
    gap: Span


class Arrival(NamedTuple):
    """What is known after some numbers came: `pieces` are all that is left of the gaps given, and the new ones."""

    high: int
    opened: tuple[Span, ...]
    closed: tuple[Span, ...]
    pieces: tuple[Piece, ...]


def arrive(high: int, pieces: Sequence[Piece], seqs: Collection[int]) -> Arrival:
    """Return what is missing when `seqs` have come. `pieces` are all pieces of the gaps that any of them lies in."""
    left = list(_cut(pieces, sorted(seq for seq in seqs if seq <= high)))
    gaps = {piece.gap for piece in pieces}
    closed = sorted(gaps - {piece.gap for piece in left})
    opened = []
    for seq in sorted(seq for seq in seqs if seq > high):
        if seq > high + 1:
            opened.append((high + 1, seq - 1))
        high = seq
    left += [Piece(first, last, (first, last)) for first, last in opened]
    return Arrival(high, tuple(opened), tuple(closed), tuple(left))


def _cut(pieces: Iterable[Piece], seqs: Sequence[int]) -> Iterable[Piece]:
    for first, last, gap in pieces:
        start = first
        for seq in seqs:
            if start <= seq <= last:
                if seq > start:
                    yield Piece(start, seq - 1, gap)
                start = seq + 1
        if start <= last:
            yield Piece(start, last, gap)
