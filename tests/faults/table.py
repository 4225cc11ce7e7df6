"""The table of faults, as Markdown. Times to heal are seconds: the least, the median, the most."""

from collections.abc import Sequence
from statistics import median

from tests.faults.campaign import Row

COLUMNS = ("fault", "rounds", "acknowledged", "lost", "doubled", "time to heal", "")


def table(rows: Sequence[Row]) -> str:
    """Return the table."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *(_cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def reasons(row: Row) -> list[str]:
    """Return what is wrong, a line each."""
    told = [row.failure] if row.failure else []
    return [*told, *(f"{name}: {line}" for name in row.red for line in row.found[name].shown())]


def _cells(row: Row) -> tuple[str, ...]:
    heal = f"{min(row.heal):.1f} / {median(row.heal):.1f} / {max(row.heal):.1f}" if row.heal else ""
    numbers = (f"{row.rounds}", f"{row.acknowledged:,}", f"{row.lost}", f"{row.doubled}")
    return (row.fault, *numbers, heal, "" if row.is_green else "RED: " + (", ".join(row.red) or "not healed"))
