"""Mutates the rules of points, a sample that a seed draws, and tells which mutants no pure test dies of.

`.venv/bin/python -m tests.mutants` fetches mutmut as `requirements.lock` says, into a folder of its own, and takes ten
minutes or more; SURVIVORS.md says what came of it. What mutmut mutates, and which tests it runs, is in `setup.cfg`.
"""

import argparse
import fnmatch
import hashlib
import json
import math
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.local.places import CHECKOUT, LOCAL

OWN = Path(__file__).parent
LOCK = OWN / "requirements.lock"
PACKAGES = LOCAL / "peers" / "mutmut"
HOME = LOCAL / "mutants"
LINKED = ("branchline", "contracts", "deploy", "pyproject.toml", "services", "shared", "tests")
MUTMUT = "from mutmut.__main__ import cli; cli()"  # its own file would be imported twice by -m
FIRST = "services.loyalty_points.periods.*"  # mutmut names all mutants only while it runs some
LEAST = 2  # of each module, where it has so many
KILLED, NEVER_REACHED = 1, 33  # exit codes: pytest's, and mutmut's for what no test calls; 0 is a survivor


def main() -> None:
    """Draw, run and tell."""
    asked = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    asked.add_argument("--sample", type=int, default=600, help="about so many mutants")
    asked.add_argument("--seed", type=int, default=1, help="which of them")
    asked.add_argument("--tell", action="store_true", help="tell what the last run found, and run nothing")
    asked.add_argument("names", nargs="*", help="these mutants, instead of a sample; * stands for anything")
    told = asked.parse_args()
    if not told.tell:
        _fetch()
        _lay_out()
        _mutmut("run", "--max-children", "1", *(told.names or _draw(told.sample, told.seed)))
    _tell(told.names or _draw(told.sample, told.seed))


def _fetch() -> None:
    """Put mutmut, and what it needs beside what is in .venv, into a folder of its own."""
    wanted, stamp = hashlib.sha256(LOCK.read_bytes()).hexdigest(), PACKAGES / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
    subprocess.run([*pip, "--no-deps", "--target", str(PACKAGES), "--requirement", str(LOCK)], check=True)
    stamp.write_text(wanted)


def _lay_out() -> None:
    """Make the folder that mutmut works in: it writes beside what it mutates."""
    HOME.mkdir(parents=True, exist_ok=True)
    for place in (*(CHECKOUT / name for name in LINKED), OWN / "setup.cfg"):
        link = HOME / place.name
        link.unlink(missing_ok=True)
        link.symlink_to(place)


def _mutmut(*words: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(PACKAGES)}
    subprocess.run([sys.executable, "-c", MUTMUT, *words], cwd=HOME, env=environment, check=True)


def _found() -> Iterator[tuple[str, dict[str, int | None]]]:
    """Yield each module that has mutants, and how each of these ended."""
    for meta in sorted((HOME / "mutants").rglob("*.py.meta")):
        ended = json.loads(meta.read_text())["exit_code_by_key"]
        if ended:
            yield meta.relative_to(HOME / "mutants").as_posix().removesuffix(".meta"), ended


def _draw(sample: int, seed: int) -> list[str]:
    """Return a share of each module's mutants, the same for a seed as long as the modules are."""
    if not (HOME / "mutants").exists():
        _mutmut("run", "--max-children", "1", FIRST)
    found = {module: sorted(ended) for module, ended in _found()}
    share = sample / sum(len(names) for names in found.values())
    drawn: list[str] = []
    for module, names in found.items():
        wanted = min(len(names), max(LEAST, math.ceil(share * len(names))))
        drawn += random.Random(f"{seed} {module}").sample(names, wanted)
    return drawn


def _tell(names: Sequence[str]) -> None:
    """Print a line a module, and the survivors."""
    tried, killed = Counter[str](), Counter[str]()
    left: list[str] = []
    for module, ended in _found():
        for name in {one for drawn in names for one in fnmatch.filter(ended, drawn)}:
            tried[module] += 1
            killed[module] += ended[name] == KILLED
            if ended[name] != KILLED:
                left.append(f"{name}: {'no test' if ended[name] == NEVER_REACHED else ended[name]}")
    for module, count in tried.items():
        print(f"{module}: {killed[module]} of {count}")
    print(f"killed {killed.total()} of {tried.total()}", *sorted(left), sep="\n")


if __name__ == "__main__":
    main()
