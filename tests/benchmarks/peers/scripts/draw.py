"""Draws the report's pictures with Matplotlib, as `plots.py` asks on standard input; equal figures, equal files."""

import json
import sys
import textwrap
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "branchline", "svg.fonttype": "none", "font.size": 8})

from matplotlib import pyplot  # noqa: E402  (it must be told the kind of file before)

WIDTH, BAR, HEAD = 8.0, 0.28, 0.75  # inches
OURS, OTHERS = "#1f6f8b", "#b8c4c9"


def main() -> None:
    """Draw what is asked."""
    for picture in json.load(sys.stdin):
        draw(picture["place"], picture["panels"])


def draw(place: str, panels: list[dict[str, Any]]) -> None:
    """Draw one picture, its panels below each other."""
    heights = [HEAD + BAR * len(panel["bars"]) for panel in panels]
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(WIDTH, sum(heights)), height_ratios=heights, layout="constrained", squeeze=False
    )
    for axis, panel in zip(axes[:, 0], panels, strict=True):
        fill(axis, panel)
    figure.savefig(place, metadata={"Date": None})
    pyplot.close(figure)


def fill(axis: Any, panel: dict[str, Any]) -> None:
    """Draw a panel: the best bars are not sorted first, so that a contender keeps its place."""
    bars = panel["bars"][::-1]
    names = [bar["name"] for bar in bars]
    medians = [bar["median"] for bar in bars]
    spreads = [[bar["median"] - bar["least"] for bar in bars], [bar["most"] - bar["median"] for bar in bars]]
    colours = [OURS if bar["name"].startswith("branchline") else OTHERS for bar in bars]
    drawn = axis.barh(names, medians, xerr=spreads, color=colours, error_kw={"elinewidth": 0.8, "capsize": 2})
    axis.bar_label(drawn, labels=[f"{one:,.0f}" if one >= 100 else f"{one:,.2g}" for one in medians], padding=6)
    axis.set_title("\n".join(textwrap.wrap(panel["title"], 110)), loc="left", fontsize=8)
    axis.set_xlabel(panel["unit"])
    axis.margins(x=0.12)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
