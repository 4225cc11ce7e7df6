"""What each kind of coupon takes off the lines it is good on. Pure; minor units, exact."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.loyalty_points.basket.allocation import largest_remainder
from services.loyalty_points.basket.asked import Line
from services.loyalty_points.offer.benefit import Benefit, BuyGet, FreeItem, Gift, MoneyOff, Percent
from services.loyalty_points.ratio import payable


class _Unit(NamedTuple):
    """One of a line's units, with its part of the line's price."""

    price: int
    line: int


def taken_off(benefit: Benefit, lines: Sequence[Line], prices: Mapping[int, int]) -> dict[int, int]:
    """Return what the coupon takes off, by line; never more than the line costs."""
    costs = {line.line: prices[line.line] for line in lines}
    whole = sum(costs.values())
    match benefit:
        case MoneyOff(off_minor=off):
            return largest_remainder(min(off, whole), costs)
        case Percent(payable=ratio):
            return largest_remainder(whole - payable(whole, ratio), costs)
        case FreeItem(units=units):
            return _summed(_units(lines, prices)[:units])
        case BuyGet():
            return _summed(_free(benefit, _units(lines, prices)))
        case Gift():
            return {}


def _units(lines: Sequence[Line], prices: Mapping[int, int]) -> list[_Unit]:
    """Return every unit, dearest first; a line's price is spread over its units so that they add up to it."""
    units = []
    for line in lines:
        parts = largest_remainder(prices[line.line], dict.fromkeys(range(line.quantity), 1))
        units += [_Unit(parts.get(place, 0), line.line) for place in range(line.quantity)]
    return sorted(units, key=lambda unit: (-unit.price, unit.line))


def _free(benefit: BuyGet, units: Sequence[_Unit]) -> list[_Unit]:
    group = benefit.buy + benefit.free
    whole_groups = min(len(units) // group, benefit.times)
    return [unit for start in range(whole_groups) for unit in units[start * group + benefit.buy : (start + 1) * group]]


def _summed(units: Sequence[_Unit]) -> dict[int, int]:
    off: dict[int, int] = {}
    for unit in units:
        off[unit.line] = off.get(unit.line, 0) + unit.price
    return {line: minor for line, minor in off.items() if minor}
