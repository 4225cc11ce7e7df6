"""The PyPI package `eventsourcing` under the load of `rows/append.py`: writers are threads, each with its own streams.

Runs in an environment of its own; answers lines of JSON as `program.py` asks them. Times are seconds.
"""

import json
import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Counter(Aggregate):  # type: ignore[misc]
    """A counter, as the contest has it."""

    def __init__(self) -> None:
        self.total = 0

    @event("Added")  # type: ignore[untyped-decorator]
    def add(self, amount: int, note: str) -> None:
        """Add to it."""
        self.total += amount


def main() -> None:
    """Answer until the other end has gone."""
    os.environ["PERSISTENCE_MODULE"] = "eventsourcing.postgres"
    application = Application()
    known: dict[int, list[UUID]] = {}
    _say({"hello": True})
    for line in sys.stdin:
        _say(_lap(application, known, **json.loads(line)))
    application.close()


def _lap(application: Any, known: dict[int, list[UUID]], *, writers: int, batch: int, seconds: float) -> dict[str, Any]:
    for writer in range(writers):
        if writer not in known:
            fresh = [Counter() for _ in range(2_000 // writers)]
            application.save(*fresh)
            known[writer] = [one.id for one in fresh]
    began = time.perf_counter()
    with ThreadPoolExecutor(writers) as threads:
        done = threads.map(lambda writer: _write(application, known[writer], batch, began + seconds), range(writers))
        events = sum(done)
    return {"events": events, "seconds": time.perf_counter() - began}


def _write(application: Any, ids: list[UUID], batch: int, until: float) -> int:
    """Load, change and save one event at a time; a batch goes into an aggregate that the writer still has in hand."""
    events = 0
    kept = Counter()
    while time.perf_counter() < until:
        counter = kept if batch > 1 else application.repository.get(random.choice(ids))
        for _ in range(batch):
            counter.add(1, "x" * 180)
        application.save(counter)
        events += batch
    return events + (batch > 1 and events > 0)  # the event with which the kept one began


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
