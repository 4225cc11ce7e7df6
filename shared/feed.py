"""The sequencer: gives every committed event a feed number, in an order that passes over nothing."""

import asyncio
import time
from typing import TYPE_CHECKING

from shared.failpoints import reached
from shared.postgres import Tx
from shared.running import pause

if TYPE_CHECKING:
    from shared.running import Running

NUMBERED_WITHIN = 30.0  # seconds: a backlog of millions is one call
SHORTEST, LONGEST = 0.05, 0.25  # seconds between looks: busy, and idle; an append in this process wakes it at once
LEAST_GAP, LONGEST_GAP = 0.005, 0.03  # what is appended meanwhile goes in one page, all the way to the last view
RESTS = 3  # times as long as it has worked: the slower a machine is, or the busier, the more it gathers

_NUMBER = "SELECT number_events() AS numbered, number AS before FROM feed_head"


async def number_events(connection: Tx) -> tuple[int, int]:
    """Number what is committed and has no number, in autocommit; return the last number before, and now."""
    row = await connection.fetchrow(_NUMBER, timeout=NUMBERED_WITHIN)
    assert row
    return row["before"], row["before"] + row["numbered"]


async def sequencer(running: "Running") -> None:
    """Number events until the service stops; any number of processes may do so at once.

    Rings for the numbers that another process has given too, so that nobody else here need look.
    """
    ear = running.appended.listen()
    wait, last = SHORTEST, -1
    while not running.stop.is_set():
        began = time.monotonic()
        async with running.feed_pool.acquire() as connection:
            before, now = await number_events(connection)
        worked = time.monotonic() - began
        wait = min(wait * 1.5, LONGEST)
        if before != last or now != before:
            await reached("feed.numbered")
            running.numbered.set()
            wait = SHORTEST
        last = now
        await asyncio.sleep(min(max(LEAST_GAP, RESTS * worked), LONGEST_GAP))
        await pause(running, wait, ear)
