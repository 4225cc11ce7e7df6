"""A plugin of pytest's for a mutant's own tests: the quickest first, since most mutants die of a short sentence."""

import json
from pathlib import Path

import pytest
from hypothesis import Phase, settings

MEASURED = Path("mutmut-stats.json")  # mutmut's, beside the tests that it copies

# that a mutant dies is enough: no smaller example of why is looked for
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], deadline=None, database=None)
settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in the order of how long they took when nothing was mutated."""
    if MEASURED.exists():
        took = json.loads(MEASURED.read_text())["duration_by_test"]
        items.sort(key=lambda item: took.get(item.nodeid, 0))
