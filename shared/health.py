"""Whether the process lives, and whether it is ready to be sent work; the two routes that ask for no token."""

from typing import Any

from shared.http import Here, Route
from shared.problems import problem

PATIENCE_SECONDS = 1.0  # for a connection, for its answer, and for a frozen one to be let go


async def live() -> dict[str, Any]:
    """Answer: the process turns."""
    return {"live": True}


async def ready(at: Here) -> Any:
    """Answer whether every part has started, Postgres answers and the views are there; else 503 and what is missing."""
    missing = await _missing(at)
    if missing:
        return problem(503, "not-ready", {"missing": missing})
    return {"ready": True, "service": at.service.name}


async def _missing(at: Here) -> list[str]:
    missing = [] if at.started.is_set() else ["start"]
    if not at.views_live.is_set():
        missing.append("views")
    try:
        async with at.pool.acquire(timeout=PATIENCE_SECONDS) as connection:
            await connection.fetchval("SELECT 1", timeout=PATIENCE_SECONDS)
    except Exception:  # whatever it is that keeps Postgres from answering
        missing.append("postgres")
    return missing


ROUTES = (
    Route("GET", "/health/live", live, is_open=True),
    Route("GET", "/health/ready", ready, is_open=True),
)
