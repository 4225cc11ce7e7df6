"""The tools, as `pyproject.toml` sets them up, see what they are there for."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TIMED_RULE = (
    "import time\nimport uuid\nfrom datetime import UTC, datetime\n\nX = datetime.now(UTC), uuid.uuid4(), time.time()\n"
)
TANGLE = (
    "def f(x: int) -> int:\n"
    + "".join(f"    if x == {n}:\n        return {n + 1}\n" for n in range(8))
    + "    return 0\n"
)

PLANTED_IMPORTS = {
    "services, then contracts, then shared: never back": {"shared/store.py": "import contracts.pos"},
    "no service imports another": {"services/pos/guards.py": "import services.membership.domain"},
    "rules and contracts are pure": {"services/pos/domain.py": "import asyncio"},
    "nothing imports the command, the deployment or the tests": {"services/pos/app.py": "import deploy.local"},
    "the command knows services by their app only": {"branchline/command.py": "import services.pos.domain"},
}
TREE = (
    "branchline/command.py",
    "contracts/pos.py",
    "deploy/local.py",
    "services/membership/domain.py",
    *(f"services/pos/{role}.py" for role in ("app", "domain", "guards", "reactions", "views")),
    *(f"shared/{noun}.py" for noun in ("handling", "service", "store")),
)


def ruff(place: str, text: str) -> set[str]:
    """Return the codes of what ruff finds in `text` at `place`."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "json", "--stdin-filename", place, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False)
    return {found["code"] for found in json.loads(done.stdout)}


@pytest.mark.parametrize(
    "place", ["services/pos/domain.py", "services/booking/appointment/reactions.py", "contracts/pos.py"]
)
def test_rules_and_contracts_have_no_clock_and_no_chance(place: str) -> None:
    assert "TID251" in ruff(place, TIMED_RULE)


def test_others_may_look_at_the_clock() -> None:
    assert "TID251" not in ruff("shared/http.py", TIMED_RULE)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("C901", TANGLE),
        ("DTZ005", "from datetime import datetime\n\nX = datetime.now()\n"),
        ("ERA001", "# x = 1\n"),
        ("FIX002", "X = 1  # TO" + "DO: later\n"),
        ("PGH003", "X = 1  # type: " + "ignore\n"),
        ("TID252", "from .x import y\n"),
    ],
)
def test_ruff_sees(code: str, text: str) -> None:
    assert code in ruff("shared/it.py", text)


def imports_kept(tree: Path) -> dict[str, bool]:
    """Return each import contract by name, and whether the tree keeps it."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tree, check=False)
    return {name: f"{name} KEPT" in done.stdout for name in PLANTED_IMPORTS}


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """Return a tree with a file of each kind, which keeps all contracts."""
    for place in TREE:
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        for folder in file.relative_to(tmp_path).parents[:-1]:
            (tmp_path / folder / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_clean_tree_keeps_the_import_contracts(small_tree: Path) -> None:
    assert imports_kept(small_tree) == dict.fromkeys(PLANTED_IMPORTS, True)


@pytest.mark.parametrize("contract", PLANTED_IMPORTS)
def test_an_import_that_breaks_a_contract_is_seen(small_tree: Path, contract: str) -> None:
    for place, text in PLANTED_IMPORTS[contract].items():
        (small_tree / place).write_text(text + "\n")
    assert not imports_kept(small_tree)[contract]
