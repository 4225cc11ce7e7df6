"""What came of contests, kept as JSON in `.local/bench/results` until the report is made of it."""

import json
from dataclasses import asdict
from pathlib import Path

from deploy.local.places import LOCAL
from tests.benchmarks.contest import Lap, Played

RESULTS = LOCAL / "bench" / "results"


def write(played: Played, folder: Path = RESULTS) -> None:
    """Put this in the place of what the contest had before."""
    place = folder / played.row / f"{played.name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(asdict(played), indent=1))


def read(folder: Path = RESULTS) -> list[Played]:
    """Return all that is kept, by row and name."""
    return [_read(place) for place in sorted(folder.glob("*/*.json"))]


def _read(place: Path) -> Played:
    told = json.loads(place.read_text())
    laps = {
        name: [Lap(**{**lap, "expected": tuple(lap["expected"]), "found": tuple(lap["found"])}) for lap in of]
        for name, of in told.pop("laps").items()
    }
    return Played(**told, laps=laps)
