"""The desk over HTTP, and two customers who come to it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.loyalty_points.domain import HoldPoints
from services.loyalty_points.reactions import react
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.running import Running
from shared.server import http
from shared.tokens import Tokens
from tests.services.stories import joining, sale

CAUSE = Cause("a test", "a test")


@dataclass
class Desk:
    """Two customers with ten points each; of the first one three are held, two captured, and a hold has lapsed."""

    running: Running
    mei: UUID = field(default_factory=uuid4)
    li: UUID = field(default_factory=uuid4)
    held: UUID = field(default_factory=uuid4)
    captured: UUID = field(default_factory=uuid4)
    lapsed: UUID = field(default_factory=uuid4)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, role: str = "staff", **who: Any
    ) -> httpx2.Response:
        return await self.call("POST", f"/v1/accounts{path}", body, key=key, role=role, **who)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        role: str = "headquarters",
        **who: Any,
    ) -> httpx2.Response:
        """Call as somebody in a role; `who` may name the branch and the subject."""
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign(role, **who)}"}
        headers |= {"idempotency-key": key} if key else {}
        address = self.running.settings.address("loyalty-points")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            return await client.request(method, path, json=body, headers=headers)

    async def get(self, who: UUID) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign('headquarters')}"}
        address = self.running.settings.address("loyalty-points")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            told: dict[str, Any] = (await client.get(f"/v1/accounts/{who}", headers=headers)).json()
        return told


@pytest.fixture
async def desk(lasting_points: Running) -> AsyncIterator[Desk]:
    """Yield the desk, whose service answers over HTTP and does nothing else."""
    serving = asyncio.create_task(http(lasting_points))
    desk = Desk(lasting_points)
    for who in (desk.mei, desk.li):
        bought = sale(str(who), (who, 1_000))
        for news in (bought, joining(bought, who)):
            await perform(lasting_points, [Issued(command, CAUSE) for command in react(news)])
    for hold_id, points in ((desk.held, 3), (desk.captured, 2)):
        body = {"hold_id": str(hold_id), "points": points, "seconds": 600}
        assert (await desk.post(f"/{desk.mei}/holds", body)).status_code == 200
    await desk.post(f"/{desk.mei}/holds/{desk.captured}/capture", {"points": 2})
    now = datetime.now(UTC)
    soon = HoldPoints(
        at=now, customer_id=desk.mei, hold_id=desk.lapsed, points=1, until=now + timedelta(milliseconds=100)
    )
    await perform_one(lasting_points, soon, CAUSE)
    await asyncio.sleep(0.1)
    yield desk
    lasting_points.stop.set()
    await serving
