"""Wait until nothing is under way between the services any more. Times are seconds."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from branchline.office import Office

SERVICES = ("pos", "membership", "loyalty-points", "notification", "projection")
STEADY = 3
PAUSE = 0.2
TOLD_EVERY = 10.0


async def settle(office: Office, patience: float, services: Sequence[str] = SERVICES) -> list[str]:
    """Return nothing when all is quiet and stays so for a while; what is still behind when the patience is over."""
    until, told_at, steady, seen = time.monotonic() + patience, time.monotonic(), 0, None
    while True:
        told = await asyncio.gather(*(office.ask(service, "GET", "/v1/status") for service in services))
        behind = [line for one in told for line in _behind(one)]
        numbers = [one["feed"]["number"] for one in told]
        steady, seen = (steady + 1 if not behind and numbers == seen else 0), numbers
        if steady >= STEADY:
            return []
        if time.monotonic() > until:
            return behind or ["the services go on saying new things"]
        if time.monotonic() > told_at + TOLD_EVERY:
            told_at = time.monotonic()
            print(f"waiting: {'; '.join(behind[:5]) or 'new events still come'}", flush=True)
        await asyncio.sleep(PAUSE)


def _behind(status: Mapping[str, Any]) -> Iterator[str]:
    service = status["service"]
    if unrelayed := status["feed"].get("unrelayed"):
        yield f"{service} has {unrelayed} events to send"
    if overdue := status["timers"]["overdue"]:
        yield f"{service} has {overdue} timers overdue"
    if views := status["views"]["behind"]:
        yield f"{service}'s views are {views} events behind"
    for one in status["consumers"]:
        if one["lag_events"]:
            yield f"{service} is {one['lag_events']} events of {one['topic']} behind"
        if one["parked"] or one["halted"]:
            yield f"{service} has keys of {one['topic']} parked: {len(one['parked'])}, halted: {one['halted']}"
