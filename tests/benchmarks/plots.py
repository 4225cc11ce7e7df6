"""The report's plots: a bar for each contender's median, a line from its least to its most. Matplotlib draws them."""

import json
import subprocess
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.benchmarks.contest import Played
from tests.benchmarks.peers import wheels

SHOWN = {
    "rate": "events a second",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "core_percent": "% of a core",
    "read_p99_ms": "p99 of reads beside it, ms",
    "sale_p99_ms": "p99 of sales beside it, ms",
    "idle_mib": "idle, MiB",
    "busy_mib": "busy, MiB",
    "mib": "MiB",
    "seconds": "seconds",
    "tasks": "tasks",
    "connections": "connections",
}


def draw(played: Sequence[Played], folder: Path) -> dict[str, str]:
    """Draw a picture for each row; return where they are, or nothing where the plotting library is not fetched."""
    if reason := wheels.missing():
        print(f"no plots: {reason}", flush=True)
        return {}
    folder.mkdir(exist_ok=True)
    pictures = {row: panels(list(contests)) for row, contests in groupby(played, lambda one: one.row)}
    asked = [{"place": str(folder / f"{row}.svg"), "panels": of} for row, of in pictures.items() if of]
    subprocess.run(
        [wheels.PYTHON, wheels.SCRIPTS / "draw.py"], input=json.dumps(asked), text=True, check=True, cwd=folder
    )
    return {row: f"{folder.name}/{row}.svg" for row, of in pictures.items() if of}


def panels(contests: Sequence[Played]) -> list[dict[str, Any]]:
    """Return what is in a row's picture: a panel for each contest and metric, with its bars."""
    found = []
    for one in contests:
        own = [
            metric for metric in SHOWN if metric != "rate" and any(one.figure(name, metric) for name in one.guarantees)
        ]
        for metric in own or ["rate"]:
            bars = [(name, spread) for name in one.guarantees if (spread := one.figure(name, metric))]
            told = [{"name": name, "least": s.least, "median": s.median, "most": s.most} for name, s in bars]
            if told:
                found.append({"title": f"{one.name}: {one.title}", "unit": SHOWN[metric], "bars": told})
    return found
