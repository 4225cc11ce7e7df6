"""The sequencer: gives every committed event a feed number, in an order that passes over nothing."""

import asyncio
from typing import TYPE_CHECKING

from shared.postgres import Tx

if TYPE_CHECKING:
    from shared.running import Running

SHORTEST, LONGEST = 0.01, 0.25  # seconds between looks: busy, and idle; an append in this process wakes it at once


async def number_events(connection: Tx) -> int:
    """Number what is committed and has no number, in autocommit; return how many."""
    numbered = await connection.fetchval("SELECT number_events()")
    assert isinstance(numbered, int)
    return numbered


async def sequencer(running: "Running") -> None:
    """Number events until the service stops; any number of processes may do so at once."""
    pause = SHORTEST
    while not running.stop.is_set():
        running.appended.clear()
        async with running.pool.acquire() as connection:
            numbered = await number_events(connection)
        if numbered:
            running.numbered.set()
            pause = SHORTEST
            continue
        try:
            await asyncio.wait_for(running.appended.wait(), pause)
        except TimeoutError:
            pause = min(pause * 1.5, LONGEST)
