"""The environment is whole or made anew; the packages are those of the lock, by their hashes."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.places import CHECKOUT

PACKAGE = "iniconfig"


def locked() -> str:
    """Return the lock's own lines for one small package."""
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"{PACKAGE}=="))
    end = next(number for number, line in enumerate(lines) if number > begin and not line.startswith(" "))
    return "\n".join(lines[begin:end]) + "\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with a lock of one package, in a folder whose name has a space."""
    folder = tmp_path / "a checkout"
    for name in ("deploy/local", "branchline"):
        (folder / name).mkdir(parents=True)
    (folder / "deploy/local/install.py").write_text((CHECKOUT / "deploy/local/install.py").read_text())
    (folder / "branchline/__init__.py").touch()
    (folder / "branchline/command.py").write_text("def main() -> int:\n    print('here')\n    return 7\n")
    (folder / "requirements.lock").write_text(locked())
    return folder


def install(checkout: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "deploy/local/install.py"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=120, check=False)


def is_installed(checkout: Path) -> bool:
    python = checkout / ".venv/bin/python"
    return subprocess.run([python, "-c", f"import {PACKAGE}"], capture_output=True, check=False).returncode == 0


def test_the_environment_is_made_once_and_its_command_is_the_checkouts(checkout: Path) -> None:
    assert install(checkout).returncode == 0
    assert is_installed(checkout)
    ran = subprocess.run([checkout / ".venv/bin/branchline"], cwd="/", capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (7, "here\n")
    assert install(checkout).stdout == ""


def test_a_half_finished_install_is_healed_by_the_next(checkout: Path) -> None:
    (checkout / ".venv/lib").mkdir(parents=True)
    (checkout / ".venv/bin").mkdir()
    (checkout / ".venv/bin/python").symlink_to("/nowhere/python")
    left_over = checkout / ".venv/lib/left-over"
    left_over.touch()
    assert install(checkout).returncode == 0
    assert is_installed(checkout)
    assert not left_over.exists()


def test_an_environment_that_is_another_checkouts_is_left_alone(checkout: Path) -> None:
    others = checkout.parent / "others"
    (others / "lib").mkdir(parents=True)
    (checkout / ".venv").symlink_to(others)
    assert install(checkout).returncode == 0
    assert is_installed(checkout)
    assert not (checkout / ".venv").is_symlink()
    assert [place.name for place in others.iterdir()] == ["lib"]


def test_a_package_with_another_hash_is_refused_and_nothing_counts_as_installed(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text(f"{locked().split()[0]} --hash=sha256:{'0' * 64}\n")
    assert install(checkout).returncode != 0
    assert not (checkout / ".venv/installed").exists()
    assert not is_installed(checkout)
