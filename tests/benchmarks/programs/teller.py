"""`teller.py SERVICE [PART...]`: a service's process that appends at a rate, with parts of the kernel in it."""

import argparse
import asyncio
import gc
import resource
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvloop

from shared.message import Cause
from shared.parts import GARBAGE_AFTER, serving
from shared.performing import perform_one
from shared.running import Running
from shared.service import Service, ViewSet
from shared.settings import Settings
from tests.benchmarks import totals
from tests.benchmarks.live import open_loop
from tests.benchmarks.programs.answering import answering
from tests.benchmarks.toy import NOTED, Note

AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
CAUSE = Cause("bench", "bench")
KIB = 1024


async def main(service: Service, parts: tuple[str, ...]) -> None:
    """Serve until the other end has gone."""
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            serving(service, Settings.read(), parts=parts, start_from="beginning")
        )
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_AFTER)
        does = {"tell": _tell, "built": _built}

        async def answer(request: dict[str, Any]) -> dict[str, Any]:
            return await does[request["do"]](running, began, request)

        await answering(answer)


async def _tell(running: Running, _began: float, request: dict[str, Any]) -> dict[str, Any]:
    """Append at a rate; return when each was answered, by stream, and how long each took since it was due."""
    answered: dict[str, float] = {}
    late: list[float] = []
    async with asyncio.TaskGroup() as group:
        async for due_at in open_loop(request["per_second"], request["seconds"]):
            group.create_task(_append(running, uuid4(), due_at, answered, late))
    return {"answered": answered, "late": late}


async def _append(
    running: Running, counter_id: UUID, due_at: float, answered: dict[str, float], late: list[float]
) -> None:
    await perform_one(running, Note.of(counter_id, AT), CAUSE)
    answered[str(counter_id)] = now = time.perf_counter()
    late.append(now - due_at)


async def _built(running: Running, began: float, _request: dict[str, Any]) -> dict[str, Any]:
    """Return how long it took until the views are read, and the most memory that was held, once they are."""
    await running.views_live.wait()
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--views", type=Path)
    asked = parser.parse_args()
    views = ViewSet(asked.views, totals.project) if asked.views else None
    uvloop.run(main(replace(NOTED, name=asked.service, views=views), tuple(asked.parts)))
