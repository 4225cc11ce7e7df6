"""Writers that write for a while, each after its last answer, each to streams of its own. Times are seconds."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from itertools import accumulate

STREAMS = 2_000
SECONDS = 0.7


class Streams:
    """The streams of one writer, by number: few are written often, most seldom (Zipf)."""

    def __init__(self, writer: int, writers: int) -> None:
        self._places = range(writer, STREAMS, writers)
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self._places) + 1)))

    def one(self) -> int:
        """Return one by chance."""
        return random.choices(self._places, cum_weights=self._weights)[0]


async def writing(writers: int, write: Callable[[int], Awaitable[int]]) -> int:
    """Let `write` be called with a stream again and again by each writer; return the sum of what it returns."""
    until = time.perf_counter() + SECONDS

    async def one(writer: int) -> int:
        streams, done = Streams(writer, writers), 0
        while time.perf_counter() < until:
            done += await write(streams.one())
        return done

    return sum(await asyncio.gather(*(one(writer) for writer in range(writers))))
