"""The event stores of the npm registry, fetched as `node/package-lock.json` says."""

from pathlib import Path

from deploy.local import assets
from deploy.local.places import LOCAL

NAME = "npm"
PACKAGE = Path(__file__).parent / "node"
HOME = LOCAL / "peers" / "node"


def missing() -> str:
    """Return why they are not there, nothing when they are."""
    return "" if assets.are_there(HOME, PACKAGE) else "not fetched: python -m tests.benchmarks.peers npm"


def fetch() -> None:
    """Fetch them unless they are there."""
    HOME.parent.mkdir(parents=True, exist_ok=True)
    assets.prepare(HOME, PACKAGE)
