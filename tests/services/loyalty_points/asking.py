"""The points ledger is asked over HTTP, after news that it has heard."""

from datetime import datetime
from typing import Any

import httpx2

from services.loyalty_points.reactions import react
from shared.message import Cause, Issued
from shared.performing import perform
from shared.running import Running
from shared.tokens import Tokens
from tests.services.stories import Told

CAUSE = Cause("a test", "a test")


async def hear(running: Running, *news: Told) -> datetime:
    """Return a time at which it had been heard."""
    for one in news:
        await perform(running, [Issued(command, CAUSE) for command in react(one)])
    heard_at: datetime = await running.pool.fetchval("SELECT clock_timestamp()")
    return heard_at


async def ask(
    running: Running, path: str, role: str = "staff", *, of_branch: str | None = None, **asked: Any
) -> httpx2.Response:
    """Ask for a path under /v1."""
    headers = {"authorization": f"Bearer {Tokens(running.settings).sign(role, branch=of_branch)}"}
    async with httpx2.AsyncClient(base_url=running.settings.address("loyalty-points"), trust_env=False) as client:
        return await client.get(f"/v1/{path}", params=asked, headers=headers)
