"""RESULTS.md, made of what contests left behind: every figure was measured, only the reasons are written by hand."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path

import yaml

from tests.benchmarks import kept, plots
from tests.benchmarks.contest import Lap, Played, Spread
from tests.benchmarks.goal import Goal
from tests.benchmarks.rows import ROWS

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
REASONS = HERE / "reasons.yaml"

INTRODUCTION = """\
# How fast, beside what

Written by `make bench`; only the reasons for missed goals are written by hand, in `reasons.yaml`. All servers and all
contenders share one machine, so that a figure alone means little: the ratios within a contest do. Contenders take
turns, A-B-C, C-B-A, and a ratio is made of turns that stood side by side. Figures are `least / median / most` of the
turns. Who has one turn whose sums are wrong has no figure at all. `make bench` fetches the others that take part, as
`.venv/bin/python -m tests.benchmarks.peers` does; one that did not come is named with the reason.

Processor time is microseconds an event: `us` is the process of Branchline's code, or of the bare client in its place;
`peer` is another program's; `generator`, which is in no sum, is what made the load.
"""


def write(folder: Path = kept.RESULTS, place: Path = RESULTS) -> None:
    """Write the report and its plots: over the one that is committed only when every goal's contest has been played."""
    played = kept.read(folder)
    there = {(one.row, one.name) for one in played}
    if lacking := {f"{row}/{goal.contest}" for row, of in goals().items() for goal in of} - {
        "/".join(p) for p in there
    }:
        place = folder.parent / place.name
        print(f"not measured: {', '.join(sorted(lacking))}", flush=True)
    reasons = yaml.safe_load(REASONS.read_text()) or {}
    place.write_text("\n".join(lines(played, goals(), reasons, plots.draw(played, place.parent / "plots"))) + "\n")
    print(f"wrote {place}", flush=True)


def goals() -> dict[str, Sequence[Goal]]:
    """Return the goals of every row."""
    return {row: import_module(f"tests.benchmarks.rows.{row}").GOALS for row in ROWS}


def lines(
    played: Sequence[Played], wanted: Mapping[str, Sequence[Goal]], reasons: Mapping[str, str], drawn: Mapping[str, str]
) -> Iterator[str]:
    """Give the report's lines; `drawn` has the place of each row's plot."""
    yield INTRODUCTION
    yield from _machine(played)
    yield from _summary(played, wanted, reasons)
    for row, contests in groupby(played, lambda one: one.row):
        yield f"## {row}: {ROWS.get(row, '')}\n"
        if row in drawn:
            yield f"![{row}]({drawn[row]})\n"
        for one in contests:
            yield from _contest(one)


def _machine(played: Sequence[Played]) -> Iterator[str]:
    known: dict[str, str] = {}
    for one in played:
        known |= {name: told for name, told in one.machine.items() if name not in {"at", "load before", "commit"}}
    yield "| what | it was |\n|---|---|"
    yield from (f"| {name} | {told} |" for name, told in known.items())
    yield ""


def _summary(
    played: Sequence[Played], wanted: Mapping[str, Sequence[Goal]], reasons: Mapping[str, str]
) -> Iterator[str]:
    found = {(one.row, one.name): one for one in played}
    yield "## Goals\n\n| contest | goal | measured | |\n|---|---|---|---|"
    missed = []
    for row, of_row in wanted.items():
        for goal in of_row:
            one = found.get((row, goal.contest))
            reached = goal.reached(one) if one else None
            word = _word(goal, one, reached)
            yield f"| {row}/{goal.contest} | {goal.text} | {_spread(reached)} | {word} |"
            if word == "missed":
                key = goal.key(row)
                missed.append(f"- {key}: {reasons.get(key, 'no reason is written down yet')}")
    yield ""
    if missed:
        yield "\n".join(["Why goals were missed:\n", *dict.fromkeys(missed), ""])


def _word(goal: Goal, one: Played | None, reached: Spread | None) -> str:
    if reached is not None:
        return "met" if goal.is_met(reached) else "missed"
    return "failed" if one and goal.of in one.without else "not measured"


def _commit(one: Played) -> list[str]:
    return [f"commit {one.machine['commit']}"] if "commit" in one.machine else []


def _contest(one: Played) -> Iterator[str]:
    yield f"### {one.row}/{one.name}: {one.title}\n"
    shown = [metric for metric in _metrics(one) if any(one.figure(name, metric) for name in one.guarantees)]
    yield f"| contender | {' | '.join(_heading(metric) for metric in shown)} |"
    yield "|---|" + "---|" * len(shown)
    for name in one.guarantees:
        if name in one.laps and name not in one.without:
            figures = (_figure(one, name, metric) for metric in shown)
            yield f"| {name} | {' | '.join(figures)} |"
    yield ""
    yield from (f"- {name}: no figure, {reason}" for name, reason in one.without.items())
    yield from (f"- {name}: {guarantees}" for name, guarantees in one.guarantees.items())
    laps = max((len(of) for of in one.laps.values()), default=0)
    told = [one.machine.get("at", ""), f"load before {one.machine.get('load before', '')}", *_commit(one)]
    yield f"- {laps} turn{'s' * (laps != 1)} each, {', '.join(told)}\n"


def _metrics(one: Played) -> list[str]:
    every: list[Lap] = [lap for laps in one.laps.values() for lap in laps[:1]]
    values = dict.fromkeys(name for lap in every for name in lap.values)
    return ["rate", *values, "cpu"]


def _heading(metric: str) -> str:
    return {"rate": "events a second", "cpu": "µs of processor an event"}.get(metric, metric.replace("_", " "))


def _figure(one: Played, name: str, metric: str) -> str:
    told = _spread(one.figure(name, metric))
    if metric != "cpu" or told == "":
        return told
    parts = {process: one.figure(name, f"cpu:{process}") for process in one.laps[name][0].cpu}
    return f"{told} ({', '.join(f'{process} {part.median:,.1f}' for process, part in parts.items() if part)})"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return " / ".join(_number(one) for one in (spread.least, spread.median, spread.most))


def _number(one: float) -> str:
    return f"{one:,.0f}" if abs(one) >= 100 else f"{one:,.1f}" if abs(one) >= 10 else f"{one:,.2f}"
