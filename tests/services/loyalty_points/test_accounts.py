"""The list of accounts says of each what its page says, a page at a time."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.membership import CustomersMerged
from services.loyalty_points.reactions import react
from shared.message import Issued
from shared.performing import perform
from tests.services.loyalty_points.calling import CAUSE, Calling
from tests.services.stories import sale


async def listed(calling: Calling, query: str = "") -> dict[UUID, dict[str, Any]]:
    """Return all accounts, read page by page."""
    found: dict[UUID, dict[str, Any]] = {}
    after = "?"
    while after:
        page = await calling.told("GET", f"/v1/accounts{after}{query}")
        ids = [UUID(one["customer_id"]) for one in page["accounts"]]
        assert ids == sorted(ids)
        assert not found.keys() & ids
        found |= dict(zip(ids, page["accounts"], strict=True))
        after = f"?after={page['next']}&" if page["next"] else ""
    return found


async def on_its_page(calling: Calling, who: UUID) -> dict[str, Any]:
    return await calling.told("GET", f"/v1/accounts/{who}")


async def test_the_list_says_of_each_what_its_page_says_however_small_its_pages(calling: Calling) -> None:
    people = [await calling.member(points) for points in (10, 20, 30)]
    never_joined = uuid4()
    commands = react(sale("4", (never_joined, 4_000)))
    await perform(calling.running, [Issued(command, CAUSE) for command in commands])
    await calling.told("POST", f"/v1/accounts/{people[0]}/redemptions", {"redemption_id": str(uuid4()), "points": 7})
    accounts = await listed(calling)
    assert accounts.keys() == {*people, never_joined}
    for who, account in accounts.items():
        assert account == await on_its_page(calling, who)
    for query in ("limit=1", "limit=2", "limit=3"):
        assert await listed(calling, query) == accounts
    kinds = [entry["kind"] for entry in accounts[people[0]]["entries"]]
    assert (kinds, accounts[people[0]]["balance"]) == (["earned", "redeemed"], 3)
    assert accounts[never_joined]["entries"] == []


async def test_an_account_that_was_given_up_is_not_listed_and_hides_none_behind_it(calling: Calling) -> None:
    first, second, third = sorted([await calling.member(10) for _ in range(3)])
    for given_up, into in ((first, third), (second, third)):
        news = CustomersMerged(at=datetime.now(UTC), customer_id=given_up, into=into, merge_id=uuid4())
        await perform(calling.running, [Issued(command, CAUSE) for command in react(news)])
        accounts = await listed(calling)
        assert accounts.keys() == {first, second, third} - {first, given_up}
        assert accounts[third] == await on_its_page(calling, third)
        for query in ("limit=1", "limit=2"):
            assert await listed(calling, query) == accounts
    assert (await on_its_page(calling, third))["balance"] == 30


async def test_an_account_of_another_shape_is_folded_again(calling: Calling) -> None:
    who = await calling.member(10)
    before = await on_its_page(calling, who)
    async with calling.running.pool.acquire() as tx:
        await tx.execute("""UPDATE stream SET shape = 0, state = '"of old"' WHERE id = $1""", who)
    assert (await listed(calling))[who] == before


async def test_the_list_is_for_people_and_a_page_has_its_limits(calling: Calling) -> None:
    for wrong in ("limit=0", "limit=101", "limit=9223372036854775808", "limit=many", "after=nobody"):
        refused = await calling.call("GET", f"/v1/accounts?{wrong}")
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    refused = await calling.call("GET", "/v1/accounts", role="till")
    assert (refused.status_code, refused.json()["code"]) == (403, "role-not-allowed")
