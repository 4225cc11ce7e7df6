"""Judges that leave out one rule of the channel each: planted bugs, for whatever shall notice. Pure."""

from shared.channel import Beat, Link, Verdict, Word, judge
from shared.message import Position


def unfenced(last: Position, word: Word) -> Verdict:
    """Forget that a word may be old."""
    return Verdict.APPLY if isinstance(word, Link) and word.prev <= last else judge(last, word)


def unchained(last: Position, word: Word) -> Verdict:
    """Forget the predecessor."""
    return Verdict.APPLY if isinstance(word, Link) and word.position > last else judge(last, word)


def deaf_to_beats(last: Position, word: Word) -> Verdict:
    """Forget that a beat can tell of something missing."""
    return Verdict.SKIP if isinstance(word, Beat) else judge(last, word)


def by_number(last: Position, word: Word) -> Verdict:
    """Compare predecessors by number, across epochs."""
    if isinstance(word, Link) and word.position > last:
        return Verdict.APPLY if word.prev.number <= last.number else Verdict.GAP
    return judge(last, word)
