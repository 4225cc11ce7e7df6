"""The list of customers says of each what her page says, a page at a time, to headquarters and to a branch's staff."""

import asyncio
from typing import Any
from uuid import UUID

from contracts.membership import CustomerRegistered, CustomersMerged
from services.projection.views.customer import customer_view
from services.projection.views.customer_list import CustomerList, Listed, customer_list
from services.projection.views.snapshot import snapshot
from shared.running import Running
from shared.scope import ALL
from tests.services.projection.doors import client
from tests.services.projection.news import ANNE, BO, CHEN, MORNING, STORY, named, told
from tests.services.projection.tables import hear

MERGE = CustomersMerged(at=MORNING, customer_id=ANNE, into=BO, merge_id=named("merge"))
ON = CustomersMerged(at=MORNING, customer_id=BO, into=CHEN, merge_id=named("on"))
KNOWN = [*STORY, CustomerRegistered(at=MORNING, customer_id=CHEN)]
SCOPES = ("TOR1", "SHA1", "LON1", ALL)


async def listed(headquarters: Running, scope: str = ALL, after: UUID | None = None, limit: int = 100) -> CustomerList:
    async with snapshot(headquarters.pool, scope) as tx:
        return await customer_list(tx, after, limit)


async def on_her_page(headquarters: Running, customer_id: UUID, scope: str) -> dict[str, Any]:
    async with snapshot(headquarters.pool, scope) as tx:
        page = (await customer_view(tx, customer_id, scope)).model_dump()
    return {name: page[name] for name in Listed.model_fields}


async def test_the_list_says_of_each_what_her_page_says_whoever_reads(headquarters: Running) -> None:
    await hear(headquarters, told(KNOWN))
    for scope in SCOPES:
        rows = (await listed(headquarters, scope)).customers
        assert {row.customer_id for row in rows} == {ANNE, BO, CHEN}
        for row in rows:
            assert row.model_dump() == await on_her_page(headquarters, row.customer_id, scope)
    (anne,) = (row for row in (await listed(headquarters)).customers if row.customer_id == ANNE)
    assert (anne.receipts, anne.points.earned) == (4, 400)


async def test_who_was_given_up_is_not_listed_and_what_was_hers_is_the_others(headquarters: Running) -> None:
    await hear(headquarters, told([*KNOWN, MERGE]))
    assert {row.customer_id for row in (await listed(headquarters)).customers} == {BO, CHEN}
    await hear(headquarters, told([ON], after=len(KNOWN) + 1))
    (chen,) = (await listed(headquarters)).customers
    assert chen.model_dump() == await on_her_page(headquarters, CHEN, ALL)
    assert chen.spend_minor > 0


async def test_of_two_merges_the_other_way_round_the_page_shows_somebody_until_the_split_is_heard(
    headquarters: Running,
) -> None:
    back = CustomersMerged(at=MORNING, customer_id=BO, into=ANNE, merge_id=named("back"))
    await hear(headquarters, told([*KNOWN, MERGE, back]))
    pages = [await asyncio.wait_for(on_her_page(headquarters, who, ALL), 5) for who in (ANNE, BO)]
    assert [page["receipts"] for page in pages] == [5, 5]


async def test_pages_follow_each_other_and_the_last_says_that_it_is(headquarters: Running) -> None:
    await hear(headquarters, told(KNOWN))
    first, *others = sorted([ANNE, BO, CHEN])
    page = await listed(headquarters, limit=1)
    assert ([row.customer_id for row in page.customers], page.next) == ([first], first)
    page = await listed(headquarters, after=first, limit=3)
    assert ([row.customer_id for row in page.customers], page.next) == (others, None)


async def test_the_list_is_for_those_who_read_and_a_page_has_its_limits(served: Running) -> None:
    await hear(served, told(KNOWN))
    async with client(served, "headquarters") as reader, client(served) as nobody, client(served, "till") as till:
        told_all = (await reader.get("/v1/customers?limit=1")).json()
        assert (len(told_all["customers"]), told_all["next"]) == (1, told_all["customers"][-1]["customer_id"])
        for wrong in ("limit=0", "limit=501", "limit=9223372036854775808", "after=nobody"):
            refused = await reader.get(f"/v1/customers?{wrong}")
            assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
        assert (await nobody.get("/v1/customers")).status_code == 401
        assert (await till.get("/v1/customers")).status_code == 403
