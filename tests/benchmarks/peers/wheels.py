"""An environment for peers written in Python, and for the plots: none of it is in the environment of the services."""

import hashlib
import shutil
import subprocess
import venv
from pathlib import Path

from deploy.local.faults import Failed
from deploy.local.places import CHECKOUT, LOCAL

NAME = "wheels"
HOME = LOCAL / "peers" / "python"
PYTHON = HOME / "bin" / "python"
SCRIPTS = Path(__file__).parent / "scripts"
LOCK = CHECKOUT / "tests" / "benchmarks" / "requirements.lock"


def missing() -> str:
    """Return why there is none, nothing when there is."""
    stamp = HOME / "installed"
    if stamp.exists() and stamp.read_text() == _wanted():
        return ""
    return "not fetched: python -m tests.benchmarks.peers wheels"


def fetch() -> None:
    """Make it unless it is there and whole."""
    if not missing():
        return
    shutil.rmtree(HOME, ignore_errors=True)
    venv.create(HOME, with_pip=True, symlinks=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
    got = subprocess.run([*pip, "--no-deps", "--requirement", str(LOCK)], capture_output=True, text=True, check=False)
    if got.returncode:
        raise Failed(f"the wheels did not come: {got.stderr.strip()}")
    (HOME / "installed").write_text(_wanted())


def _wanted() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()
