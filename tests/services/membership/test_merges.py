"""Customers are merged and split over HTTP: what moves, what comes back, and what changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from contracts.membership import ByCard, ByPhone, CustomersMerged, CustomersSplit, TierChanged
from services.membership.domain import CountRefund, CountSale
from services.membership.merging import MergeExplained
from services.membership.vault import Vault
from shared.message import Cause, Command, Issued
from shared.performing import perform
from shared.running import Running
from shared.server import http
from shared.tokens import Tokens

CAUSE = Cause("a test", "a test")
WHY = {"reason": "same-phone"}


@dataclass
class House:
    """Headquarters at its desk; Mei is known by phone and card, Li by phone, Wu by card."""

    running: Running
    mei: UUID
    li: UUID
    wu: UUID

    async def call(
        self, method: str, path: str, body: Any = None, role: str = "headquarters", key: str | None = None
    ) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign(role, branch=None)}"}
        headers |= {"idempotency-key": key} if key else {}
        address = self.running.settings.address("membership")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            answer = await client.request(method, f"/v1/customers/{path}", json=body, headers=headers)
        return answer.status_code, answer.json()

    async def merge(self, who: UUID, into: UUID) -> None:
        assert (await self.call("POST", f"{who}/merge", {"into": str(into), **WHY}))[0] == 200

    async def split(self, who: UUID) -> None:
        assert (await self.call("POST", f"{who}/split", WHY))[0] == 200

    async def shown(self, who: UUID) -> dict[str, Any]:
        status, told = await self.call("GET", str(who))
        assert status == 200
        return dict(told)

    async def do(self, *commands: Command) -> None:
        for outcome in await perform(self.running, [Issued(command, CAUSE) for command in commands]):
            assert outcome.refusal is None

    async def bought(self, who: UUID, net_minor: int, days_ago: int = 1) -> CountSale:
        at = datetime.now(UTC) - timedelta(days=days_ago)
        sale = CountSale(
            at=at, customer_id=who, sale_id=uuid4(), branch="TOR1", order=at.isoformat(), lines={1: net_minor}
        )
        await self.do(sale)
        return sale

    async def found(self) -> list[UUID | None]:
        """Return whom Mei's phone and card, and Li's phone, find."""
        keys = (ByPhone(phone="+14165550101"), ByCard(card="7001"), ByPhone(phone="+14165550102"))
        return [one.customer_id for one in await Vault(self.running).resolve(keys, CAUSE)]

    async def events(self, who: UUID) -> list[Any]:
        async with self.running.pool.acquire() as tx:
            return [told.event for told in await self.running.handler.history(tx, "customer", who)]


@pytest.fixture
async def house(membership: Running) -> AsyncIterator[House]:
    serving = asyncio.create_task(http(membership))
    vault = Vault(membership)
    keys = (ByPhone(phone="+14165550101"), ByPhone(phone="+14165550102"), ByCard(card="7002"))
    mei, li, wu = [one.customer_id for one in await vault.resolve(keys, CAUSE)]
    assert mei and li and wu
    digest = vault.cipher.digest("card", "7001")
    await membership.pool.execute("INSERT INTO identity (digest, customer_id) VALUES ($1, $2)", digest, mei)
    yield House(membership, mei, li, wu)
    membership.stop.set()
    await serving


async def test_phone_and_card_find_the_other_after_the_merge_and_their_own_after_the_split(house: House) -> None:
    assert await house.found() == [house.mei, house.mei, house.li]
    await house.merge(house.mei, house.li)
    assert await house.found() == [house.li] * 3
    await house.split(house.mei)
    assert await house.found() == [house.mei, house.mei, house.li]


async def test_a_chain_of_merges_is_split_link_by_link(house: House) -> None:
    await house.merge(house.mei, house.li)
    await house.merge(house.li, house.wu)
    assert await house.found() == [house.wu] * 3
    assert (await house.shown(house.mei))["customer_id"] == str(house.wu)
    status, refused = await house.call("POST", f"{house.mei}/split", WHY)
    assert (status, refused["code"], refused["into"]) == (409, "merged-on", str(house.wu))
    await house.split(house.li)
    assert await house.found() == [house.li] * 3
    await house.split(house.mei)
    assert await house.found() == [house.mei, house.mei, house.li]


async def test_what_both_have_spent_counts_for_one_tier_until_they_are_two_again(house: House) -> None:
    sales = [await house.bought(house.mei, 120_000), await house.bought(house.li, 110_000)]
    assert [(await house.shown(who))["tier"] for who in (house.mei, house.li)] == ["ordinary", "ordinary"]
    await house.merge(house.mei, house.li)
    one = await house.shown(house.mei)
    assert (one["customer_id"], one["tier"], one["spend_minor"]) == (str(house.li), "silver", 230_000)
    await house.bought(house.mei, 30_000, days_ago=3)  # heard late, under the id that was given up
    await house.do(
        CountRefund(at=datetime.now(UTC), customer_id=house.mei, sale_id=sales[0].sale_id, lines={1: 100_000})
    )
    assert (await house.shown(house.li))["spend_minor"] == 240_000
    await house.split(house.mei)
    shown = [await house.shown(who) for who in (house.mei, house.li)]
    assert [(one["customer_id"], one["spend_minor"]) for one in shown] == [
        (str(house.mei), 130_000),
        (str(house.li), 110_000),
    ]
    assert [one["tier"] for one in shown] == ["ordinary", "ordinary"]
    tiers = [event.tier for event in await house.events(house.li) if isinstance(event, TierChanged)]
    assert tiers == ["ordinary", "silver", "ordinary"]


async def test_a_receipt_on_which_both_had_lines_counts_twice_over_for_the_one(house: House) -> None:
    first = await house.bought(house.mei, 60_000)
    await house.do(first.model_copy(update={"customer_id": house.li, "lines": {2: 50_000}}))
    await house.merge(house.mei, house.li)
    assert (await house.shown(house.li))["spend_minor"] == 110_000
    await house.do(first)  # told again
    assert (await house.shown(house.li))["spend_minor"] == 110_000
    await house.do(CountRefund(at=datetime.now(UTC), customer_id=house.mei, sale_id=first.sale_id, lines={1: 0}))
    assert (await house.shown(house.li))["spend_minor"] == 50_000


async def test_whoever_takes_a_member_in_is_one_and_stands_on_the_list_in_her_place(house: House) -> None:
    await house.bought(house.mei, 60_000)
    assert not (await house.shown(house.li))["member"]
    await house.merge(house.mei, house.li)
    one = await house.shown(house.li)
    assert (one["member"], one["tier"], [other["customer_id"] for other in one["merged"]]) == (
        True,
        "ordinary",
        [str(house.mei)],
    )


async def test_she_says_of_the_merge_after_all_else_and_it_is_said_once(house: House) -> None:
    await house.bought(house.mei, 60_000)
    for _ in range(2):
        await house.merge(house.mei, house.li)
    told = await house.events(house.mei)
    assert [type(event) for event in told[-2:]] == [MergeExplained, CustomersMerged]
    assert sum(isinstance(event, CustomersMerged) for event in told) == 1
    await house.split(house.mei)
    assert sum(isinstance(event, CustomersSplit) for event in await house.events(house.mei)) == 1


async def test_the_same_key_merges_once_also_after_a_split_and_not_for_another_body(house: House) -> None:
    body = {"into": str(house.li), **WHY}
    assert (await house.call("POST", f"{house.mei}/merge", body, key="k"))[0] == 200
    await house.split(house.mei)
    assert (await house.call("POST", f"{house.mei}/merge", body, key="k"))[0] == 200
    assert (await house.shown(house.mei))["customer_id"] == str(house.mei)
    status, refused = await house.call("POST", f"{house.mei}/merge", body | {"into": str(house.wu)}, key="k")
    assert (status, refused["code"]) == (422, "idempotency-key-reused")


async def test_of_two_who_are_given_up_for_each_other_at_once_one_is(house: House) -> None:
    both = (house.mei, house.li), (house.li, house.mei)
    answers = await asyncio.gather(
        *(house.call("POST", f"{who}/merge", {"into": str(into), **WHY}) for who, into in both)
    )
    assert sorted(status for status, _ in answers) == [200, 409]
    assert [told["code"] for status, told in answers if status == 409] == ["already-merged"]


TABLE: dict[str, tuple[str, Any, int, str]] = {
    "of nobody": ("{nobody}/merge", {"into": "{li}", **WHY}, 404, "customer-unknown"),
    "for nobody": ("{mei}/merge", {"into": "{nobody}", **WHY}, 404, "customer-unknown"),
    "with herself": ("{mei}/merge", {"into": "{mei}", **WHY}, 409, "merge-with-itself"),
    "for another one yet": ("{li}/merge", {"into": "{mei}", **WHY}, 409, "already-merged"),
    "for one who was given up": ("{mei}/merge", {"into": "{li}", **WHY}, 409, "already-merged"),
    "of one who is no more": ("{erased}/merge", {"into": "{mei}", **WHY}, 409, "customer-erased"),
    "for one who is no more": ("{mei}/merge", {"into": "{erased}", **WHY}, 409, "customer-erased"),
    "without a reason": ("{mei}/merge", {"into": "{li}"}, 422, "malformed"),
    "for a sentence": ("{mei}/merge", {"into": "{li}", "reason": "Both are Mei."}, 422, "malformed"),
    "for no id": ("{mei}/merge", {"into": "mei", **WHY}, 422, "malformed"),
    "of no id": ("mei/merge", {"into": "{li}", **WHY}, 422, "malformed"),
    "with more than is asked": ("{mei}/merge", {"into": "{wu}", "force": True, **WHY}, 422, "malformed"),
    "split of nobody": ("{nobody}/split", WHY, 404, "customer-unknown"),
    "split of one who was not merged": ("{mei}/split", WHY, 409, "not-merged"),
    "split without a reason": ("{li}/split", {}, 422, "malformed"),
}


async def test_each_has_its_code_and_changes_nothing(house: House) -> None:
    await house.merge(house.li, house.wu)
    (erased,) = [one.customer_id for one in await Vault(house.running).resolve([ByCard(card="7009")], CAUSE)]
    await house.running.pool.execute("UPDATE person SET erased_at = now() WHERE customer_id = $1", erased)
    named = {name: str(getattr(house, name)) for name in ("mei", "li", "wu")}
    named |= {"erased": str(erased), "nobody": str(uuid4())}
    before = await everything(house)
    for what, (path, body, status, code) in TABLE.items():
        filled = {k: v.format(**named) if isinstance(v, str) else v for k, v in body.items()}
        answer = await house.call("POST", path.format(**named), filled)
        assert (answer[0], answer[1]["code"]) == (status, code), what
    for role in ("till", "staff", "service"):
        for path in ("merge", "split"):
            status, told = await house.call("POST", f"{house.mei}/{path}", {"into": named["li"], **WHY}, role)
            assert (status, told["code"]) == (403, "role-not-allowed")
    assert await everything(house) == before


async def everything(house: House) -> list[object]:
    told = [await house.events(who) for who in (house.mei, house.li, house.wu)]
    rows = await house.running.pool.fetch("SELECT * FROM identity ORDER BY digest")
    return [*told, [tuple(row.values()) for row in rows]]
