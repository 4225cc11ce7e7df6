"""`listener.py SERVICE SPEAKER`: a consumer's process that fills a view, and knows when each event could be read."""

import gc
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import uvloop

from shared.message import Envelope
from shared.parts import GARBAGE_AFTER
from shared.postgres import Tx
from shared.running import Bell, finish, start
from shared.settings import Settings
from shared.views import PAGE
from tests.benchmarks import totals
from tests.benchmarks.heard import hearing
from tests.benchmarks.programs.answering import answering
from tests.benchmarks.topic import Topic
from tests.benchmarks.toy import NOTED


class Seen(Bell):
    """Rung after each commit: notes the time for what was in it."""

    def __init__(self) -> None:
        super().__init__()
        self._applied: list[str] = []
        self._seen: dict[str, float] = {}

    async def effect(self, tx: Tx, told: Sequence[Envelope]) -> None:
        """Fill the view."""
        await totals.project(tx, told)
        self._applied += [str(one.stream_id) for one in told]

    def set(self) -> None:
        """Note when."""
        now = time.perf_counter()
        self._seen |= dict.fromkeys(self._applied, now)
        self._applied.clear()
        super().set()

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what was seen, once it is so much."""
        while len(self._seen) < request["count"]:
            self.clear()
            await self.wait()
        seen, self._seen = self._seen, {}
        return {"seen": seen}


async def main(name: str, speaker: str) -> None:
    """Serve until the other end has gone."""
    settings, seen = Settings.read(), Seen()
    async with AsyncExitStack() as stack:
        running = await start(replace(NOTED, name=name), settings)
        stack.push_async_callback(finish, running)
        await totals.begin(running)
        topic = Topic(settings.topic(speaker), speaker, 0, 0, 0, ())
        await stack.enter_async_context(hearing(running, topic, seen.effect, most_at_once=PAGE, bell=seen))
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_AFTER)
        await answering(seen.answer)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
