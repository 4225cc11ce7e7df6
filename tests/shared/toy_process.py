"""The toy as a process of its own, with a route that takes its time. Run as `python -m tests.shared.toy_process`."""

import asyncio
import sys
from dataclasses import replace

from shared import telemetry
from shared.http import Here, Route
from shared.parts import NAMES, run
from shared.running import CannotRun
from shared.settings import Settings
from tests.shared.toy import STAFF, WITH_VIEWS


async def slow(at: Here) -> dict[str, bool]:
    """Begin something, and finish it half a second later."""
    async with at.pool.acquire() as tx, tx.transaction():
        await tx.execute("CREATE TEMPORARY TABLE begun (id int)")
        print("begun", flush=True)
        await asyncio.sleep(0.5)
        await tx.execute("INSERT INTO begun VALUES (1)")
    return {"finished": True}


if __name__ == "__main__":
    settings = Settings.read()
    telemetry.configure("toy", settings.log_level)
    service = replace(WITH_VIEWS, routes=(*WITH_VIEWS.routes, Route("GET", "/v1/slow", slow, STAFF)))
    try:
        asyncio.run(run(service, settings, parts=NAMES, start_from=None))
    except CannotRun as sentence:
        sys.exit(str(sentence))
