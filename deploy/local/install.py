"""Makes `.venv` as `requirements.lock` says, with nothing but the standard library of the Python that runs it.

The stamp is written last: an environment without the right one is made anew. Waits for another install.
"""

import fcntl
import hashlib
import stat
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import TextIO

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENT = CHECKOUT / ".venv"
LOCK = CHECKOUT / "requirements.lock"
STAMP = ENVIRONMENT / "installed"
OLDEST = (3, 11)

# The shell finds Python, since a path in a first line may be neither long nor have a space.
COMMAND = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from branchline.command import main

sys.exit(main())
"""


def install() -> None:
    """Make the environment unless it is there and whole."""
    if sys.version_info < OLDEST:
        sys.exit(
            f"Branchline needs Python {OLDEST[0]}.{OLDEST[1]} or newer; {sys.executable} is {sys.version.split()[0]}"
        )
    with _alone():
        if _is_whole():
            return
        begun = time.monotonic()
        print("Installing the packages of requirements.lock into .venv (once, about a minute)", flush=True)
        _make()
        _join()
        STAMP.write_text(_wanted())
        print(f"Installed in {time.monotonic() - begun:.0f} s", flush=True)


def _alone() -> TextIO:
    folder = CHECKOUT / ".local"
    folder.mkdir(exist_ok=True)
    lock = (folder / "install.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _wanted() -> str:
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {CHECKOUT}\n"


def _is_whole() -> bool:
    if not STAMP.exists() or STAMP.read_text() != _wanted():
        return False
    lives = subprocess.run([ENVIRONMENT / "bin" / "python", "-c", ""], check=False, stderr=subprocess.DEVNULL)
    return lives.returncode == 0


def _make() -> None:
    if ENVIRONMENT.is_symlink():
        ENVIRONMENT.unlink()  # what it leads to is another checkout's, and would be emptied
    try:
        venv.create(ENVIRONMENT, clear=True, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError:
        sys.exit("This Python cannot make an environment with pip; on Debian: apt-get install python3-venv")
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    got = subprocess.run([*pip, "install", "--require-hashes", "--no-deps", "--requirement", str(LOCK)], check=False)
    if got.returncode:
        sys.exit("The packages could not be installed (above); the next run begins again")


def _join() -> None:
    """Make this checkout importable in the environment, and the command `branchline` lie in its `bin`."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (ENVIRONMENT / "lib" / version / "site-packages" / "branchline.pth").write_text(f"{CHECKOUT}\n")
    command = ENVIRONMENT / "bin" / "branchline"
    command.write_text(COMMAND.format(python=ENVIRONMENT / "bin" / "python"))
    command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    install()
