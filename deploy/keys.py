"""The cell's keys, 32 random bytes each in hex: `python -m deploy.keys FOLDER` makes those that are not there."""

import secrets
import sys
from pathlib import Path

NAMES = ("token", "database", "intake", "vault")


def write_keys(folder: Path) -> None:
    """Make the keys that are not there; each gets its name only when it is whole, and only its owner may read it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in NAMES:
        key, new = folder / f"{name}.key", folder / f"{name}.new"
        if not key.exists():
            new.touch(mode=0o600)
            new.write_text(secrets.token_hex(32))
            new.rename(key)


if __name__ == "__main__":
    write_keys(Path(sys.argv[1]))
