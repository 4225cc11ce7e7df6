"""Membership as others call it: over HTTP, with a token, and its list of members from its own feed."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from contracts.membership import ByPhone, Keep, Kept, KeptText, Resolve, Resolved, Reveal, Revealed
from services.membership import views
from services.membership.app import app
from services.membership.domain import CountSale
from services.membership.merging import LetGoCustomer, MergeCustomer, SplitCustomer, TakeInCustomer
from shared.message import Cause, Issued
from shared.parts import serving
from shared.peer import PeerRefused, Peers
from shared.performing import perform
from shared.running import Running
from shared.settings import Settings
from shared.tokens import Tokens
from tests.cell import migrate

PHONE = "+14165550100"
CAUSE = Cause("a test", "a test")


@pytest.fixture
async def serving_membership(membership: Running) -> AsyncIterator[Running]:
    """Yield the service at work, but for its relay and consumers."""
    await migrate(membership.settings, [app.name])
    async with serving(app, membership.settings, parts=("sequencer", "views", "http")) as running:
        yield running


@pytest.fixture
async def pos(serving_membership: Running) -> AsyncIterator[Peers]:
    """Yield another service's way to call."""
    peers = Peers(serving_membership.settings, "pos")
    yield peers
    await peers.close()


async def get(settings: Settings, path: str, role: str = "headquarters") -> tuple[int, Any]:
    token = Tokens(settings).sign(role)
    async with httpx2.AsyncClient(base_url=settings.address("membership"), trust_env=False) as client:
        answer = await client.get(path, headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


async def test_another_service_resolves_keeps_and_reveals(pos: Peers) -> None:
    resolved = await pos.call("membership", "POST", "/v1/vault/resolve", Resolve(people=(ByPhone(phone=PHONE),)))
    (mei,) = Resolved.model_validate_json(resolved).people
    kept = await pos.call("membership", "POST", "/v1/vault/keep", Keep(texts=(KeptText(key="1", text="words"),)))
    (words,) = Kept.model_validate_json(kept).references
    assert mei.customer_id
    asked = Reveal(purpose="a test", customers=(mei.customer_id,), references=(words,))
    revealed = Revealed.model_validate_json(await pos.call("membership", "POST", "/v1/vault/reveal", asked))
    assert (revealed.contacts[0].phone, revealed.texts) == (PHONE, ("words",))


async def test_more_than_a_call_may_ask_is_refused(pos: Peers) -> None:
    too_many = Resolve.model_construct(people=(ByPhone(phone=PHONE),) * 501)
    with pytest.raises(PeerRefused) as refused:
        await pos.call("membership", "POST", "/v1/vault/resolve", too_many)
    assert (refused.value.status, refused.value.code) == (422, "malformed")
    assert PHONE not in json.dumps(refused.value.facts)


@pytest.mark.parametrize("path", ["resolve", "keep", "reveal"])
async def test_the_vault_is_for_services_only(serving_membership: Running, path: str) -> None:
    settings = serving_membership.settings
    for role in ("till", "staff", "headquarters"):
        token = Tokens(settings).sign(role, branch="TOR1")
        async with httpx2.AsyncClient(base_url=settings.address("membership"), trust_env=False) as client:
            answer = await client.post(f"/v1/vault/{path}", json={}, headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")


async def test_a_customer_is_shown_as_she_stands_now(serving_membership: Running, pos: Peers) -> None:
    settings = serving_membership.settings
    resolved = await pos.call("membership", "POST", "/v1/vault/resolve", Resolve(people=(ByPhone(phone=PHONE),)))
    (mei,) = Resolved.model_validate_json(resolved).people
    assert mei.customer_id
    status, shown = await get(settings, f"/v1/customers/{mei.customer_id}", "staff")
    assert (status, shown["member"], shown["tier"], shown["spend_minor"]) == (200, False, None, 0)
    assert shown["registered_at"]
    now = datetime.now(UTC)
    for net_minor in (60_000, 200_000):
        sale = CountSale(
            at=now, customer_id=mei.customer_id, sale_id=uuid4(), branch="TOR1", order="a", lines={1: net_minor}
        )
        await perform(serving_membership, [Issued(sale, CAUSE)])
    _, shown = await get(settings, f"/v1/customers/{mei.customer_id}")
    assert (shown["member"], shown["tier"], shown["spend_minor"]) == (True, "silver", 260_000)
    assert datetime.fromisoformat(shown["joined_at"]) == now


async def test_nobody_is_not_shown(serving_membership: Running) -> None:
    status, problem = await get(serving_membership.settings, f"/v1/customers/{uuid4()}")
    assert (status, problem["code"]) == (404, "customer-unknown")
    status, problem = await get(serving_membership.settings, "/v1/customers/mei")
    assert (status, problem["code"]) == (422, "malformed")


async def test_members_are_listed_page_by_page_in_the_order_of_joining(serving_membership: Running) -> None:
    settings = serving_membership.settings
    start = datetime.now(UTC)
    sales = [
        CountSale(
            at=start + timedelta(seconds=place),
            customer_id=uuid4(),
            sale_id=uuid4(),
            branch="TOR1",
            order=f"{place}",
            lines={1: 60_000},
        )
        for place in range(5)
    ]
    await perform(serving_membership, [Issued(sale, CAUSE) for sale in reversed(sales)])
    earlier = sales[4].model_copy(update={"sale_id": uuid4(), "order": "+", "at": start - timedelta(days=1)})
    await perform(serving_membership, [Issued(earlier, CAUSE)])
    await heard(settings, str(earlier.sale_id))
    listed = await pages(settings)
    in_order = [sales[4], *sales[:4]]
    assert [member["customer_id"] for member in listed] == [str(sale.customer_id) for sale in in_order]
    assert {member["tier"] for member in listed} == {"ordinary"}
    async with serving_membership.pool.acquire() as tx:
        for sale in sales:
            await views.project(tx, await serving_membership.handler.history(tx, "customer", sale.customer_id))
    assert await pages(settings) == listed


async def test_of_two_who_are_one_the_list_has_one_and_both_when_they_are_two_again(
    serving_membership: Running,
) -> None:
    settings, now = serving_membership.settings, datetime.now(UTC)
    mei, li = uuid4(), uuid4()
    for who, net_minor in ((mei, 60_000), (li, 100)):
        sale = CountSale(at=now, customer_id=who, sale_id=uuid4(), branch="TOR1", order="a", lines={1: net_minor})
        await perform(serving_membership, [Issued(sale, CAUSE)])
    await listed_are(settings, [mei])
    merging = MergeCustomer(at=now, customer_id=mei, into=li, reason="same-phone")
    taking_in = TakeInCustomer(at=now, customer_id=li, given_up=mei)
    await perform(serving_membership, [Issued(command, CAUSE) for command in (merging, taking_in)])
    await listed_are(settings, [li])
    async with serving_membership.pool.acquire() as tx:
        _, given_up = await serving_membership.handler.state(tx, "customer", mei)
    merge_id = given_up.merge_id
    splitting = SplitCustomer(at=now, customer_id=mei, merge_id=merge_id, reason="two-people")
    letting_go = LetGoCustomer(at=now, customer_id=li, merge_id=merge_id)
    await perform(serving_membership, [Issued(command, CAUSE) for command in (splitting, letting_go)])
    await listed_are(settings, [mei])


async def listed_are(settings: Settings, members: list[UUID]) -> None:
    async with asyncio.timeout(10):
        while True:
            status, page = await get(settings, "/v1/members")
            if status == 200 and [one["customer_id"] for one in page["members"]] == [str(who) for who in members]:
                return
            await asyncio.sleep(0.02)


async def pages(settings: Settings) -> list[dict[str, Any]]:
    """Return the list of members, read two by two."""
    listed: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        _, page = await get(settings, f"/v1/members?limit=2{after and '&after=' + after}")
        listed += page["members"]
        after = page["next"]
    return listed


async def heard(settings: Settings, sale_id: str) -> None:
    """Wait until the list has the joining by a receipt."""
    async with asyncio.timeout(10):
        while True:
            status, page = await get(settings, "/v1/members")
            if status == 200 and any(member["sale_id"] == sale_id for member in page["members"]):
                return
            await asyncio.sleep(0.02)
