"""What processes know of a run: `state.json`, always whole, and the lock that the supervisor holds while it lives."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class State:
    """One data folder's run. Ports are kept from run to run; `failure` is why the last run failed."""

    ports: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, int] = field(default_factory=dict)
    supervisor: int | None = None
    is_ready: bool = False
    failure: str | None = None

    @classmethod
    def read(cls, home: Path) -> "State":
        """Return the state as written last, or an empty one."""
        try:
            return cls(**json.loads((home / "state.json").read_text()))
        except FileNotFoundError:
            return cls()

    def write(self, home: Path) -> None:
        """Put this in place of what was written; it holds a password, so only its owner may read it."""
        new = home / "state.json.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)
        new.rename(home / "state.json")


@contextmanager
def held(home: Path) -> Iterator[bool]:
    """Hold the run's lock; yields False where another process has it. A process that dies lets it go."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def is_running(home: Path) -> bool:
    """Return whether a supervisor of this data folder lives."""
    with held(home) as free:
        return not free
