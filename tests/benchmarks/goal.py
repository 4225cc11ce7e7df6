"""Goals: what a contest should show, and whether it did. Pure."""

from dataclasses import dataclass

from tests.benchmarks.contest import Played, Spread


@dataclass(frozen=True)
class Goal:
    """A bound on a contender's figure, or on its ratio to the best of others; met by the median of the laps."""

    contest: str
    of: str
    metric: str
    over: tuple[str, ...] = ()  # empty: the figure itself
    least: float | None = None
    most: float | None = None
    unit: str = ""

    @property
    def text(self) -> str:
        """Return the goal as a reader is told it."""
        bound = f"≥ {self.least:,g}" if self.least is not None else f"≤ {self.most:,g}"
        if not self.over:
            return f"{self.of}: {self.metric} {bound}{self.unit}"
        return f"{self.of}: {self.metric} {bound}x {' or '.join(self.over)}"

    def key(self, row: str) -> str:
        """Return what `reasons.yaml` calls it."""
        return f"{row}/{self.contest} {self.metric}" + (f" beside {' or '.join(self.over)}" if self.over else "")

    def reached(self, played: Played) -> Spread | None:
        """Return what was measured; none when somebody has no figure. Of several the one that is hardest to beat."""
        if not self.over:
            return played.figure(self.of, self.metric)
        found = [one for name in self.over if (one := played.ratio(self.of, name, self.metric))]
        return min(found, key=self._margin) if found else None

    def is_met(self, spread: Spread) -> bool:
        """Return whether the median is within the bound."""
        return self._margin(spread) >= 0

    def _margin(self, spread: Spread) -> float:
        return spread.median - self.least if self.least is not None else (self.most or 0.0) - spread.median
