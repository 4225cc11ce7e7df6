"""What lines are worth in points, rule by rule. Pure; whole points, minor units, exact until it is rounded once.

The rules are in turn the rate (`base`), the tier (`tier/gold`) and each bonus (`bonus/double-tuesday`). A rule gave
what it added to the rounded sum of those before it: so the parts are whole, and add up to the whole.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.loyalty_points.earning import MICRO, Bonus, micro
from services.loyalty_points.terms import Terms

BASE = "base"


class Item(NamedTuple):
    """What a line sells: its kind and code."""

    kind: str = "unknown"
    code: str = ""


class Sold(NamedTuple):
    """A line as it was sold."""

    net_minor: int
    item: Item = Item()


class Circumstances(NamedTuple):
    """Where and when a receipt was closed, by the branch's clock, and what was known of the customer then."""

    branch: str
    zone: str
    on: date
    sold_at: datetime
    tier: str | None = None
    birthday_month: int | None = None


class _Line(NamedTuple):
    """A line that counts; `points` are in millionths and of a minor unit."""

    amount: int
    points: int
    item: Item


def worth(terms: Terms, known: Circumstances, sold: Mapping[int, Sold], amounts: Mapping[int, int]) -> dict[str, int]:
    """Return the points of each rule for amounts by line: what was charged, or what is left of it. Caps come after."""
    earning, lines = terms.earning, _counted(terms, known, sold, amounts)
    factor = micro(earning.by_tier.get(known.tier, "1")) if known.tier else MICRO
    base = sum(line.points for line in lines)
    steps = [(BASE, base * MICRO * MICRO), (f"tier/{known.tier}", base * factor * MICRO)]
    holding = _holding(terms, known)
    for bonus, own in _factored(holding, lines, known.branch):
        more = max(0, sum(line.points for line in own)) * factor * (micro(bonus.factor or "1") - MICRO)
        steps.append((rule_of(bonus), steps[-1][1] + more))
    parts: dict[str, int] = {}
    before = 0
    for rule, so_far in steps:
        now = earning.rounded(so_far, MICRO**3 * terms.minor_per_unit)
        if now != before:
            parts[rule] = now - before
        before = now
    return parts | _extra(holding, lines, known.branch)


def rule_of(bonus: Bonus) -> str:
    """Return the name of the rule by which a bonus gives points."""
    return f"bonus/{bonus.name}"


def _counted(
    terms: Terms, known: Circumstances, sold: Mapping[int, Sold], amounts: Mapping[int, int]
) -> Sequence[_Line]:
    lines, rates = [], terms.earning.rates
    for number, (net_minor, item) in sold.items():
        if terms.earning.excluded.has(item.kind, item.code, net_minor):
            continue
        rate = next((r.points_per_unit for r in rates if r.fit(item.kind, item.code, known.branch)), None)
        lines.append(_Line(amounts[number], amounts[number] * micro(rate or terms.points_per_unit), item))
    return lines


def _holding(terms: Terms, known: Circumstances) -> Sequence[Bonus]:
    if not terms.earning.bonuses:
        return ()
    at = known.sold_at.astimezone(ZoneInfo(known.zone)).time()
    return [bonus for bonus in terms.earning.bonuses if bonus.holds(known.on, at, known.birthday_month)]


def _factored(holding: Sequence[Bonus], lines: Sequence[_Line], branch: str) -> Iterator[tuple[Bonus, list[_Line]]]:
    """Yield the bonuses that have a factor, each with the lines for which none has a higher one."""
    best: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        own = [b for b in holding if b.factor and b.fit(line.item.kind, line.item.code, branch)]
        if own:
            best[max(own, key=lambda bonus: micro(bonus.factor or "1")).name].append(line)
    yield from ((bonus, best[bonus.name]) for bonus in holding if bonus.name in best)


def _extra(holding: Sequence[Bonus], lines: Sequence[_Line], branch: str) -> dict[str, int]:
    """Return the most extra points that something of the receipt is good for."""
    own = [
        (bonus.extra, bonus)
        for bonus in holding
        if bonus.extra and sum(line.amount for line in lines if bonus.fit(line.item.kind, line.item.code, branch)) > 0
    ]
    if not own:
        return {}
    points, bonus = max(own, key=lambda one: one[0])
    return {rule_of(bonus): points}
