"""Whoever calls the points ledger over HTTP, by role; and customers who have points."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2

from services.loyalty_points.reactions import react
from shared.message import Cause, Issued
from shared.performing import perform
from shared.running import Running
from shared.tokens import Tokens
from tests.services.stories import joining, sale

CAUSE = Cause("a test", "a test")


@dataclass
class Calling:
    """Calls of the service that answers; `told` gives what was answered with 200, and fails with anything else."""

    running: Running

    async def call(
        self, method: str, path: str, body: Any = None, role: str = "staff", key: str | None = None
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign(role)}"}
        headers |= {"idempotency-key": key} if key else {}
        address = self.running.settings.address("loyalty-points")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            return await client.request(method, path, json=body, headers=headers)

    async def told(self, method: str, path: str, body: Any = None, role: str = "staff") -> dict[str, Any]:
        answer = await self.call(method, path, body, role)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def member(self, points: int) -> UUID:
        """Return a member who has bought once, for so many whole units."""
        who = uuid4()
        bought = sale(str(who), (who, points * 100))
        for news in (bought, joining(bought, who)):
            await perform(self.running, [Issued(command, CAUSE) for command in react(news)])
        return who
