"""The settings for a command, or a sentence on what is missing."""

import os
import shlex
from pathlib import Path

from branchline.failure import CommandFailed
from shared.settings import Settings

# what `make up` says of the run in this checkout, while it runs
RUN = Path(__file__).parents[1] / ".local" / "env"
SERVERS = ("BRANCHLINE_DATABASE_URL", "BRANCHLINE_KAFKA")


def settings() -> Settings:
    """Return the settings of the environment, else those of the run in this checkout; raise CommandFailed without."""
    if not any(name in os.environ for name in SERVERS) and RUN.exists():
        for line in shlex.split(RUN.read_text()):
            name, _, value = line.partition("=")
            os.environ.setdefault(name, value)
    try:
        return Settings.read()
    except KeyError as missing:
        raise CommandFailed(f"{missing.args[0]} is not set, and nothing runs in this checkout (make up)") from None
    except ValueError as wrong:
        raise CommandFailed(f"a setting cannot be read: {wrong}") from None
