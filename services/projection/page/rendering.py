"""The page and its parts as HTML: whole when it is asked for, part by part while it is live."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.projection.page.machine import LATE, Machine
from services.projection.page.sight import Sight
from services.projection.views.chain import Fault, Gap, faults, gaps
from services.projection.views.snapshot import snapshot
from services.projection.views.today import Branch, Today, today
from shared.running import Running
from shared.wording import LANGUAGES, Words, words

HERE = Path(__file__).parent
WORDS = HERE / "words"
PARTS = ("freshness", "banners", "figures", "hours", "branches", "latest", "trend", "regions", "machine")
MOST_BRANCHES = 20
MOST_GAPS = 12
MOST_FAULTS = 8
FIRST_HOUR, LAST_HOUR = 9, 20  # drawn on every day; an hour outside only when something was sold in it


@dataclass(frozen=True)
class Scene:
    """What was read for one sight at one instant; the machine is not there until it has been asked."""

    day: Today
    gaps: Sequence[Gap]
    faults: Sequence[Fault]
    machine: Machine | None

    @property
    def hours(self) -> range:
        """Return the hours to draw."""
        busy = [slot.at for slot in self.day.hours if slot.receipts or slot.net_minor]
        hours = [hour for hour in busy if isinstance(hour, int)]
        return range(min([FIRST_HOUR, *hours]), max([LAST_HOUR, *hours]) + 1)

    @property
    def ranked(self) -> list[Branch]:
        """Return the branches, the most sold first."""
        return sorted(self.day.branches, key=lambda branch: (-branch.net_minor, branch.code))

    @property
    def regions(self) -> list[tuple[str, int]]:
        """Return what each region has sold after refunds, the most first; nothing where there are no two of them."""
        sold: dict[str, int] = {}
        for branch in self.day.branches:
            sold[branch.region] = sold.get(branch.region, 0) + branch.net_minor
        return sorted(sold.items(), key=lambda pair: (-pair[1], pair[0])) if len(sold) > 1 else []

    @property
    def has_zones(self) -> bool:
        """Return whether the branches' clocks differ."""
        return len({branch.zone for branch in self.day.branches}) > 1

    @property
    def zone(self) -> str:
        """Return the zone whose clock the page shows: the branches' own where they share one."""
        zones = {branch.zone for branch in self.day.branches}
        return zones.pop() if len(zones) == 1 else "UTC"

    @property
    def state(self) -> str:
        """Return how far the figures are to be trusted: good, behind, unknown, or not asked yet: connecting."""
        if self.machine is None:
            return "connecting"
        behind = self.machine.behind_seconds
        if behind is None:
            return "unknown"
        return "behind" if behind > LATE else "good"


async def look(running: Running, sight: Sight, machine: Machine | None) -> Scene:
    """Read what is in sight now."""
    async with snapshot(running.pool, sight.scope) as tx:
        day = await today(tx, datetime.now(UTC), sight.on)
        return Scene(day, await gaps(tx, MOST_GAPS), await faults(tx, MOST_FAULTS), machine)


class Pages:
    """The templates, filled in. Static files are named with a hash of what is in them."""

    def __init__(self) -> None:
        self._jinja = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        static = sorted((HERE / "static").iterdir())
        self.version = sha256(b"".join(path.read_bytes() for path in static)).hexdigest()[:12]

    def whole(self, scene: Scene, sight: Sight, **facts: Any) -> str:
        """Return the page."""
        return self._fill("headquarters.html", scene, sight, parts=PARTS, **facts)

    def parts(self, scene: Scene, sight: Sight) -> dict[str, str]:
        """Return each part of the page by name."""
        names = PARTS if sight.sees_chain else PARTS[:-1]
        return {name: self._fill(f"{name}.html", scene, sight) for name in names}

    def door(self, language: str, reason: str, **facts: Any) -> str:
        """Return the page that asks who is there, and says why."""
        about = {
            "w": words(WORDS, language),
            "languages": LANGUAGES,
            "address": "/?lang={}".format,
            "version": self.version,
        }
        return self._jinja.get_template("door.html").render(about, reason=reason, facts=facts)

    def _fill(self, template: str, scene: Scene, sight: Sight, **facts: Any) -> str:
        text: Words = words(WORDS, sight.language, scene.day.currency)
        about = {
            "w": text,
            "scene": scene,
            "day": scene.day,
            "sight": sight,
            "languages": LANGUAGES,
            "most": MOST_BRANCHES,
        }
        return self._jinja.get_template(template).render(about, version=self.version, **facts)
