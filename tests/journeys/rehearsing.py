"""A draft of the points' terms in which colour is worth half as much again, rehearsed by the command itself."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from shared.settings import Settings
from tests.journeys.shell import Said, branchline

_BAR = "{http://www.w3.org/2000/svg}rect"
_TITLE = "{http://www.w3.org/2000/svg}title"


@dataclass(frozen=True)
class Rehearsal:
    """What the command said, the figures that it wrote, and the bars of its plot: month to text and height."""

    said: Said
    figures: dict[str, Any]
    bars: dict[str, tuple[str, float]]

    def by_month(self, name: str) -> Counter[str]:
        """Return one of receipts, now and then by month."""
        sums: Counter[str] = Counter()
        for place in self.figures["places"]:
            sums[place["month"]] += place[name]
        return sums

    @property
    def more(self) -> dict[str, int]:
        """Return the difference by month."""
        now, then = self.by_month("now"), self.by_month("then")
        return {month: then[month] - now[month] for month in self.by_month("receipts")}


def draft(chain: Path, codes: list[str], folder: Path) -> Path:
    """Return a file of the chain in which these services give half as much again."""
    told = yaml.safe_load(chain.read_text())
    bonus = {"name": "colour", "factor": "1.5", "kinds": ["service"], "codes": codes}
    told["policies"]["points"]["earning"] = {"bonuses": [bonus]}
    path = folder / "draft.yaml"
    path.write_text(yaml.safe_dump(told))
    return path


async def rehearse(settings: Settings, file: Path, *more: str) -> Rehearsal:
    """Run the command; whatever it says must be without a complaint."""
    figures, plot = file.with_suffix(".json"), file.with_suffix(".svg")
    said = await branchline(settings, "rehearse", str(file), "--json", str(figures), "--plot", str(plot), *more)
    assert said.status == 0, said.text
    return Rehearsal(said, json.loads(figures.read_text()), _bars(plot))


def _bars(plot: Path) -> dict[str, tuple[str, float]]:
    bars = {}
    for bar in ElementTree.parse(plot).iter(_BAR):
        month, _, text = (bar.findtext(_TITLE) or "").partition(": ")
        bars[month] = text, float(bar.attrib["height"])
    return bars
