"""`expirer.py`: a process of the points ledger in which nothing but its expiry is at work."""

import gc
import resource
import time
from typing import Any

import uvloop

from services.loyalty_points.app import app
from services.loyalty_points.expiring import look
from shared.parts import GARBAGE_AFTER
from shared.running import Running, finish, start
from shared.settings import Settings
from tests.benchmarks.programs.answering import answering

KIB = 1024


async def main() -> None:
    """Serve until the other end has gone."""
    running = await start(app, Settings.read())
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        return await _expired(running, request["seconds"])

    await answering(answer)
    await finish(running)


async def _expired(running: Running, seconds: float) -> dict[str, Any]:
    """Look until nothing is left to do, or so long; return the most memory that was held until now."""
    until = time.perf_counter() + seconds
    while await look(running) and time.perf_counter() < until:
        pass
    return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB}


if __name__ == "__main__":
    uvloop.run(main())
