"""A rehearsal as it is read: summed up over its pages, as a table and as a plot. Pure; money is minor units."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil
from typing import Any

from branchline.amount import shown

HEADS = ("branch", "tier", "month", "receipts", "now", "draft", "difference")
WIDTH, HEIGHT, FOOT, WORD = 900, 320, 40, 50


@dataclass
class Rehearsed:
    """All pages together; `places` are by branch, tier and month: receipts, points now, by the draft, and more owed."""

    places: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    customers: Counter[str] = field(default_factory=Counter)
    most: list[dict[str, Any]] = field(default_factory=list)

    def add(self, page: Mapping[str, Any]) -> None:
        """Add a page."""
        for one in page["places"]:
            tally = self.places.setdefault((one["branch"], one["tier"], one["month"]), Counter())
            tally.update({name: one[name] for name in ("receipts", "now", "then", "owed")})
        self.customers.update(page["customers"])
        self.most = sorted([*self.most, *page["most"]], key=lambda one: -abs(one["difference"]))[:10]

    def difference(self) -> int:
        """Return the points that the draft gives more, or less."""
        return sum(tally["then"] - tally["now"] for tally in self.places.values())

    def owed(self) -> int:
        """Return how many points more could be spent today, or fewer; what is over by now is not among them."""
        return sum(tally["owed"] for tally in self.places.values())

    def by(self, *names: str) -> dict[tuple[str, ...], Counter[str]]:
        """Return the sums by some of branch, tier and month."""
        sums: dict[tuple[str, ...], Counter[str]] = {}
        for place, tally in sorted(self.places.items()):
            key = tuple(place[HEADS.index(name)] for name in names)
            sums.setdefault(key, Counter()).update(tally)
        return sums


def money(points: int, point_minor: int) -> int:
    """Return what points are owed as."""
    return points * point_minor


def table(told: Rehearsed, point_minor: int, currency: str) -> Iterator[str]:
    """Yield the lines of the table, and of what it comes to."""
    rows: list[Sequence[str]] = [HEADS]
    for (branch, tier, month), tally in sorted(told.places.items()):
        difference = tally["then"] - tally["now"]
        numbers = (f"{tally['receipts']:,}", f"{tally['now']:,}", f"{tally['then']:,}", f"{difference:+,}")
        rows.append((branch, tier or "-", month, *numbers))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    for row in rows:
        cells = [
            text.ljust(w) if place < 3 else text.rjust(w)
            for place, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    owed = told.owed()
    liability = shown(money(owed, point_minor), currency)
    yield f"{told.difference():+,} points, of which {owed:+,} are still good: {liability} {currency} of liability"
    yield ", ".join(f"{told.customers[name]:,} {name}" for name in ("gain", "lose", "same"))
    yield from (f"customer {one['customer_id']}: {one['difference']:+,}" for one in told.most)


def plot(told: Rehearsed) -> str:
    """Return an SVG: the difference by month, a bar each; of many some have words, each has a title."""
    months = [(month, tally["then"] - tally["now"]) for (month,), tally in told.by("month").items()]
    most = max((abs(points) for _, points in months), default=0) or 1
    step = (WIDTH - 2 * FOOT) / max(1, len(months))
    bars = "".join(_bars(months, most, step))
    axis = f'<line x1="{FOOT}" y1="{HEIGHT // 2}" x2="{WIDTH - FOOT}" y2="{HEIGHT // 2}" stroke="#444"/>'
    title = '<text x="40" y="20">Points by the draft, less points now, by month</text>'
    font = 'font-family="sans-serif" font-size="11"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {font}>'
    return f"{head}{title}{bars}{axis}</svg>\n"


def _bars(months: Iterable[tuple[str, int]], most: int, step: float) -> Iterator[str]:
    middle, room = HEIGHT // 2, HEIGHT // 2 - FOOT
    for place, (month, points) in enumerate(months):
        left, tall = FOOT + place * step, abs(points) * room / most
        top, fill = (middle - tall, "#2a7") if points >= 0 else (middle, "#c43")
        yield f'<rect x="{left + step * 0.1:.1f}" y="{top:.1f}" width="{step * 0.8:.1f}" height="{tall:.1f}" '
        yield f'fill="{fill}">'
        yield f"<title>{escape(month)}: {points:+,}</title></rect>"
        if place % ceil(WORD / step):
            continue
        yield f'<text x="{left + step / 2:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(month)}</text>'
        yield f'<text x="{left + step / 2:.1f}" y="{top - 4 if points >= 0 else top + tall + 12:.1f}" '
        yield f'text-anchor="middle">{points:+,}</text>'
