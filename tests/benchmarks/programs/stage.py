"""`stage.py SERVICE [--hears SPEAKER] [PART...]`: a service's process in a line of them; it also appends when asked."""

import argparse
import asyncio
import gc
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import uvloop

from shared.message import Command
from shared.parts import GARBAGE_AFTER, serving
from shared.reacting import reacting
from shared.settings import Settings
from tests.benchmarks.heard import hearing
from tests.benchmarks.live import open_loop
from tests.benchmarks.programs.answering import answering
from tests.benchmarks.store import Store
from tests.benchmarks.topic import Topic
from tests.benchmarks.toy import NOTED, Added, Note

AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
MOST_AT_ONCE = 500  # events of a reaction's transaction
AT_ONCE = 2  # batches under way when they come as fast as they can


def react(event: Added) -> Sequence[Command]:
    """Say it again, on a stream of one's own."""
    return [Note.of(event.counter_id, AT)]


class Appending:
    """Appends sales, each a new stream, in batches of one transaction; notes when each was committed."""

    def __init__(self, own: Store) -> None:
        self._own = own
        self._answered: dict[str, float] = {}

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Append at a rate, or so many as fast as it goes; return since when, and when each was answered."""
        began, size = time.perf_counter(), request["size"]
        if "events" in request:
            batches = iter(range(0, request["events"], size))
            await asyncio.gather(*(self._all(batches, size) for _ in range(AT_ONCE)))
        else:
            async with asyncio.TaskGroup() as group:
                async for _due_at in open_loop(request["per_second"] / size, request["seconds"]):
                    group.create_task(self._append(size))
        answered, self._answered = self._answered, {}
        return {"began": began, "answered": answered}

    async def _all(self, batches: Any, size: int) -> None:
        for _ in batches:
            await self._append(size)

    async def _append(self, size: int) -> None:
        ids = await self._own.fill(size, numbered=False)
        self._answered |= dict.fromkeys(map(str, ids), time.perf_counter())
        self._own.running.appended.set()


async def main(name: str, hears: str | None, parts: tuple[str, ...]) -> None:
    """Serve until the other end has gone."""
    settings = Settings.read()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(serving(replace(NOTED, name=name), settings, parts=parts))
        if hears:
            effect, topic = reacting(running.handler, react), Topic(settings.topic(hears), hears, 0, 0, 0, ())
            bell = running.appended
            await stack.enter_async_context(hearing(running, topic, effect, most_at_once=MOST_AT_ONCE, bell=bell))
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_AFTER)
        await answering(Appending(Store(running, "")).answer)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--hears")
    asked = parser.parse_args()
    uvloop.run(main(asked.service, asked.hears, tuple(asked.parts)))
