"""A discount spread over lines, exact to the minor unit: the parts add up to it. Pure."""

from collections.abc import Mapping


def largest_remainder(amount: int, weights: Mapping[int, int]) -> dict[int, int]:
    """Return each line's part of an amount, in proportion to its weight; what is left over goes to the largest rests.

    Of equal rests the lower line's comes first. An amount that is not more than all weights takes from no line more
    than its weight. Without any weight nothing is spread.
    """
    whole = sum(weights.values())
    if whole <= 0:
        return {}
    parts = {line: amount * weight // whole for line, weight in weights.items()}
    rests = sorted(weights, key=lambda line: (-(amount * weights[line] % whole), line))
    for line in rests[: amount - sum(parts.values())]:
        parts[line] += 1
    return {line: part for line, part in parts.items() if part}
