"""`rehearser.py`: a process of the points ledger which rehearses a draft, page by page as the command asks for it."""

import gc
import resource
import time
from collections import Counter
from typing import Any

import uvloop

from services.loyalty_points.app import app
from services.loyalty_points.routes.rehearsals import Draft, rehearse
from shared.parts import GARBAGE_AFTER
from shared.running import Running, finish, start
from shared.settings import Settings
from tests.benchmarks.programs.answering import answering

KIB = 1024
SUMS = ("receipts", "now", "then")


async def main() -> None:
    """Serve until the other end has gone."""
    running = await start(app, Settings.read())
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        return await _rehearsed(running, request["draft"], request["seconds"])

    await answering(answer)
    await finish(running)


async def _rehearsed(running: Running, draft: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Rehearse for so long; return the sums, where to go on, and the most memory that was held until now."""
    until, sums, after = time.perf_counter() + seconds, Counter[str](), draft
    while True:
        page = await rehearse(Draft.model_validate(after), running)
        for place in page["places"]:
            sums.update({name: place[name] for name in SUMS})
        if page["next"] is None or time.perf_counter() > until:
            mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB
            return {"sums": [sums[name] for name in SUMS], "next": page["next"] and str(page["next"]), "mib": mib}
        after = draft | {"after": page["next"]}


if __name__ == "__main__":
    uvloop.run(main())
