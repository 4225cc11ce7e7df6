"""The worker inside the running service, and the list of messages."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest

from contracts.membership import ByPhone
from services.membership.vault import Vault
from services.notification import views
from services.notification.app import app
from services.notification.domain import WELCOME, PlanMessage, message_id
from shared.message import Cause, Issued
from shared.parts import serving
from shared.performing import perform
from shared.running import Running
from shared.settings import Settings
from shared.tokens import Tokens
from tests.cell import eventually

CAUSE = Cause("a joining", "a joining")


@pytest.fixture
async def at_work(notification: Running) -> AsyncIterator[Running]:
    """Yield the service at work, but for its relay and consumers."""
    async with serving(app, notification.settings, parts=("sequencer", "views", "workers", "http")) as running:
        yield running


async def messages(settings: Settings, customer: UUID, role: str = "staff") -> httpx2.Response:
    token = Tokens(settings).sign(role)
    async with httpx2.AsyncClient(base_url=settings.address("notification"), trust_env=False) as client:
        headers = {"authorization": f"Bearer {token}"}
        return await client.get("/v1/messages", params={"customer": str(customer)}, headers=headers)


async def test_a_planned_message_is_sent_and_listed(at_work: Running, membership: Running) -> None:
    (mei,) = await Vault(membership).resolve([ByPhone(phone="+14165550100")], CAUSE)
    assert mei.customer_id
    customer = mei.customer_id
    planned = PlanMessage(
        at=datetime.now(UTC),
        message_id=message_id(f"{WELCOME}/{customer}"),
        customer_id=customer,
        template=WELCOME,
    )
    await perform(at_work, [Issued(planned, CAUSE)])
    listed: list[dict[str, Any]] = []

    async def is_sent() -> bool:
        answer = await messages(at_work.settings, customer)
        listed[:] = answer.json() if answer.status_code == 200 else []
        return [one["status"] for one in listed] == ["sent"]

    await eventually(is_sent)
    assert (listed[0]["template"], listed[0]["channel"]) == (WELCOME, "sandbox")
    async with at_work.pool.acquire() as tx:
        await views.project(tx, await at_work.handler.history(tx, "message", planned.message_id))
    assert (await messages(at_work.settings, customer)).json() == listed
    assert listed[0]["receipt"] == str(await at_work.pool.fetchval("SELECT receipt FROM sandbox_sent"))


async def test_the_list_is_for_people_not_for_tills(at_work: Running) -> None:
    answer = await messages(at_work.settings, UUID(int=1), "till")
    assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")


async def test_a_worker_with_nothing_to_do_rings_no_bell(at_work: Running) -> None:
    """Its own looking must not wake it up again."""
    before = at_work.appended.listen()
    async with at_work.pool.acquire() as tx:
        await tx.execute("SELECT pg_sleep(1.5)")
    assert not before.is_set()
