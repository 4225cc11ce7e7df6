"""When things happen in the salons: first what tills that were away have kept, then what goes on now. Pure.

Offsets are seconds from the beginning of a session; the same seed and beginning make the same day, byte by byte.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from branchline.simulation.floor import Floor
from branchline.simulation.journal import Entry
from branchline.simulation.mischief import mischief

HOUR = 3600.0
PER_HOUR_AWAY = 10


@dataclass(frozen=True, slots=True)
class Habits:
    """How a till behaves: how many hours it was away before the session, and when it is back, in seconds.

    How likely it sends a batch twice (`repeats`), mixes one up and keeps a part of it back (`shuffles`), or is cut off
    after a batch for a while (`naps`).
    """

    hours_away: float = 0.0
    back_after: float = 0.0
    repeats: float = 0.0
    shuffles: float = 0.0
    naps: float = 0.0


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens at a till, so many seconds after the session began; before it, when negative."""

    offset: float
    till: str
    entry: Entry


def habits(place: int, chance: Random) -> Habits:
    """Return the habits of the chain's till of that place: in any dozen of tills there is one of each kind."""
    return Habits(
        hours_away=chance.uniform(3, 9) if place % 6 == 1 else 0.0,
        back_after=chance.uniform(3, 12),
        repeats=0.3 if place % 4 == 2 else 0.02,
        shuffles=0.6 if place % 5 == 3 else 0.0,
        naps=0.1 if place % 6 == 4 else 0.0,
    )


def happenings(
    floor: Floor, began_at: datetime, per_second: float, away: dict[str, float], not_before: dict[str, datetime]
) -> Iterator[Happening]:
    """Give without end what happens in one salon, in order. `away` are hours; `not_before` is when a till last sold."""
    chance, tills, offset = floor.chance, sorted(floor.counters), 0.0
    for kept_at, till in _kept(chance, began_at, away, not_before):
        yield _happen(floor, till, began_at, kept_at)
    while True:
        offset += chance.expovariate(per_second)
        yield _happen(floor, chance.choice(tills), began_at, offset)


def _kept(
    chance: Random, began_at: datetime, away: dict[str, float], not_before: dict[str, datetime]
) -> Sequence[tuple[float, str]]:
    times = []
    for till, hours in sorted(away.items()):
        since = -hours * HOUR
        if till in not_before:
            since = max(since, (not_before[till] - began_at).total_seconds() + 1)
        times += [(chance.uniform(since, 0), till) for _ in range(int(-since / HOUR * PER_HOUR_AWAY)) if since < 0]
    return sorted(times)


def _happen(floor: Floor, till: str, began_at: datetime, offset: float) -> Happening:
    at = (began_at + timedelta(seconds=offset)).astimezone(floor.zone).replace(microsecond=0)
    return Happening(offset, till, floor.happening(till, at, mischief))
