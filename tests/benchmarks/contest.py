"""A contest: contenders take turns A-B-C, C-B-A in one run, and who has one turn whose sums are wrong has no figure.

Times are seconds, processor time is microseconds an event where a metric is named `cpu`.
"""

import statistics
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Sums: TypeAlias = tuple[int, ...]

GENERATOR = "generator"  # its processor time is told, and is nobody's cost


@dataclass
class Lap:
    """What a contender did in one turn; `expected` and `found` are the sums that must agree."""

    events: int
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    expected: Sums = ()
    found: Sums = ()
    values: dict[str, float] = field(default_factory=dict)

    def metric(self, name: str) -> float | None:
        """Return `rate`, `cpu`, `cpu:<process>` or one of `values`."""
        if name == "rate":
            return self.events / self.seconds if self.events and self.seconds else None
        if name == "cpu":
            spent = [seconds for process, seconds in self.cpu.items() if process != GENERATOR]
            return sum(spent) / self.events * 1e6 if spent and self.events else None
        if name.startswith("cpu:"):
            seconds = self.cpu.get(name.removeprefix("cpu:"))
            return seconds / self.events * 1e6 if seconds is not None and self.events else None
        return self.values.get(name)


@dataclass(frozen=True)
class Contender:
    """Who takes part. `lap` is one turn: prepare, do the work under the meter, count what came of it."""

    name: str
    guarantees: str
    lap: Callable[[], Awaitable[Lap]]


@dataclass(frozen=True)
class Contest:
    """Contenders for one figure, each with `laps` turns that count, after `warm` that do not."""

    row: str
    name: str
    title: str
    contenders: Sequence[Contender]
    laps: int = 5
    warm: int = 1
    absent: Mapping[str, str] = field(default_factory=dict)  # peers that could not run, with the reason


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the most of a figure's laps."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        """Return the spread of at least one figure."""
        return cls(min(figures), statistics.median(figures), max(figures))


@dataclass
class Played:
    """What came of a contest: the laps of each contender, and why one has no figure."""

    row: str
    name: str
    title: str
    guarantees: dict[str, str]
    laps: dict[str, list[Lap]] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """Return those who took part and have no figure."""
        return [name for name in self.without if name in self.guarantees]

    def figure(self, contender: str, metric: str) -> Spread | None:
        """Return a contender's figure; none when a lap of it was wrong, or did not measure that."""
        found = [one for one in self._metrics(contender, metric) if one is not None]
        return Spread.of(found) if found and len(found) == len(self.laps[contender]) else None

    def ratio(self, of: str, over: str, metric: str) -> Spread | None:
        """Return one contender's figure over another's, lap by lap of those that stood side by side."""
        pairs = zip(self._metrics(of, metric), self._metrics(over, metric), strict=False)
        found = [mine / its for mine, its in pairs if mine is not None and its]
        return Spread.of(found) if found else None

    def _metrics(self, contender: str, metric: str) -> list[float | None]:
        if contender in self.without:
            return []
        return [lap.metric(metric) for lap in self.laps.get(contender, [])]


async def play(contest: Contest, laps: int | None = None) -> Played:
    """Let the contenders take turns; whoever fails, or does not add up, is out, and the reason is kept."""
    played = Played(contest.row, contest.name, contest.title, {one.name: one.guarantees for one in contest.contenders})
    played.without |= contest.absent
    for is_counted, contender in turns(contest.contenders, contest.warm, laps or contest.laps):
        if contender.name in played.without:
            continue
        try:
            lap = await contender.lap()
        except Exception as error:
            traceback.print_exc()
            played.without[contender.name] = f"failed: {type(error).__name__}: {error}"
            continue
        if lap.found != lap.expected or not lap.expected:
            played.without[contender.name] = f"does not add up: {lap.found} where {lap.expected} was expected"
        elif is_counted:
            played.laps.setdefault(contender.name, []).append(lap)
    return played


def turns(contenders: Sequence[Contender], warm: int, laps: int) -> Iterator[tuple[bool, Contender]]:
    """Give the turns, and whether each counts: every other round goes backwards."""
    for place in range(warm + laps):
        for contender in contenders if place % 2 == 0 else reversed(contenders):
            yield place >= warm, contender
