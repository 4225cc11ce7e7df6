"""The list of accounts says of each what its page says, a page at a time."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.membership import CustomersMerged
from services.loyalty_points.reactions import react
from services.loyalty_points.routes import accounts
from shared.message import Issued
from shared.performing import perform
from tests.services.loyalty_points.calling import CAUSE, Calling
from tests.services.stories import sale


async def listed(calling: Calling, query: str = "") -> dict[UUID, dict[str, Any]]:
    """Return all accounts, read page by page."""
    found: dict[UUID, dict[str, Any]] = {}
    after = "?"
    while after:
        page = await calling.told("GET", f"/v1/accounts{after}{query}", role="headquarters")
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
    told = await listed(calling)
    assert told.keys() == {*people, never_joined}
    for who, account in told.items():
        assert account == await on_its_page(calling, who)
    for query in ("limit=1", "limit=2", "limit=3"):
        assert await listed(calling, query) == told
    kinds = [entry["kind"] for entry in told[people[0]]["entries"]]
    assert (kinds, told[people[0]]["balance"]) == (["earned", "redeemed"], 3)
    assert told[never_joined]["entries"] == []


async def test_an_account_that_was_given_up_is_not_listed_and_hides_none_behind_it(calling: Calling) -> None:
    first, second, third = sorted([await calling.member(10) for _ in range(3)])
    for given_up, into in ((first, third), (second, third)):
        news = CustomersMerged(at=datetime.now(UTC), customer_id=given_up, into=into, merge_id=uuid4())
        await perform(calling.running, [Issued(command, CAUSE) for command in react(news)])
        told = await listed(calling)
        assert told.keys() == {first, second, third} - {first, given_up}
        assert told[third] == await on_its_page(calling, third)
        for query in ("limit=1", "limit=2"):
            assert await listed(calling, query) == told
    assert (await on_its_page(calling, third))["balance"] == 30


async def test_an_answer_has_no_more_entries_than_can_be_read_at_once_but_of_one_account(
    calling: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {who: await on_its_page(calling, who) for who in [await calling.member(10) for _ in range(4)]}
    for most, calls in ((1, 4), (3, 4), (6, 2), (11, 2), (12, 1)):  # each has three: joined, bought, earned
        monkeypatch.setattr(accounts, "MOST_EVENTS", most)
        answers = [first := await calling.told("GET", "/v1/accounts?limit=9", role="headquarters")]
        while next_ := answers[-1]["next"]:
            answers.append(await calling.told("GET", f"/v1/accounts?limit=9&after={next_}", role="headquarters"))
        assert len(answers) == calls
        assert first["accounts"]
        assert {UUID(one["customer_id"]): one for told in answers for one in told["accounts"]} == whole


async def test_an_account_of_another_shape_is_folded_again(calling: Calling) -> None:
    who = await calling.member(10)
    before = await on_its_page(calling, who)
    async with calling.running.pool.acquire() as tx:
        await tx.execute("""UPDATE stream SET shape = 0, state = '"of old"' WHERE id = $1""", who)
    assert (await listed(calling))[who] == before


async def test_the_list_is_for_people_and_a_page_has_its_limits(calling: Calling) -> None:
    for wrong in ("limit=0", "limit=101", "limit=9223372036854775808", "limit=many", "after=nobody"):
        refused = await calling.call("GET", f"/v1/accounts?{wrong}", role="headquarters")
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    for role in ("staff", "till"):
        refused = await calling.call("GET", "/v1/accounts", role=role)
        assert (refused.status_code, refused.json()["code"]) == (403, "role-not-allowed")
