"""Receipts as a list, and what of a branch its staff may see."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import asyncpg

from services.pos.views import project
from shared.message import Cause, Envelope
from tests.services.pos.shop import Shop, refund, sale
from tests.services.pos.test_sale import given_back, recorded


async def receipts(shop: Shop, count: int, role: str = "headquarters", **query: Any) -> list[dict[str, Any]]:
    """Return the branch's receipts once there are as many, page by page of two."""
    async with asyncio.timeout(10):
        while True:
            found: list[dict[str, Any]] = []
            after: str | None = ""
            while after is not None:
                asked = urlencode({"branch": shop.branch, "limit": 2, "after": after, **query})
                page = await shop.get(f"/v1/receipts?{asked}", role, shop.branch if role == "staff" else None)
                found, after = found + page["receipts"], page["next"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_receipts_are_listed_in_the_order_in_which_they_were_closed(shop: Shop) -> None:
    await shop.send(sale(1, "10", minutes=1), sale(2, "9", 7_00, 3_00, minutes=1), sale(3, "8"), refund(4, "8", (1, 5)))
    found = await receipts(shop, 3)
    assert [one["number"] for one in found] == ["8", "9", "10"]
    assert [(one["lines"], one["net_minor"]) for one in found] == [(1, 50_00), (2, 10_00), (1, 50_00)]
    async with asyncio.timeout(10):
        while [one["refunded_minor"] for one in await receipts(shop, 3, "staff")] != [5, 0, 0]:
            await asyncio.sleep(0.02)


async def test_a_day_is_the_branchs_own(shop: Shop) -> None:
    await shop.send(sale(1, "1"), sale(2, "2", minutes=13 * 60), sale(3, "3", minutes=14 * 60 + 1))
    await receipts(shop, 3)
    assert [one["number"] for one in await receipts(shop, 2, on="2026-11-20")] == ["1", "2"]
    assert [one["number"] for one in await receipts(shop, 1, on="2026-11-21")] == ["3"]


async def test_staff_see_their_own_branch_and_nothing_else(shop: Shop, other: Shop) -> None:
    for one in (shop, other):
        await one.send(sale(1, "1"), sale(3, "3", -1))
        await receipts(one, 1)
    for path, rows in (
        ("/v1/tills", None),
        ("/v1/quarantine?limit=500", "items"),
        ("/v1/receipts?limit=500", "receipts"),
    ):
        shown = await shop.get(path, "staff", shop.branch)
        assert {row["branch"] for row in (shown[rows] if rows else shown)} == {shop.branch}
        assert await shop.get(path, "staff") in ([], {rows: [], "next": None})
    chain = await shop.get("/v1/chain", "staff", shop.branch)
    assert [one["code"] for one in chain["branches"]] == [shop.branch]
    assert await shop.get(f"/v1/receipts?branch={other.branch}", "staff", shop.branch) == {"receipts": [], "next": None}


_UNGUARDED = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'branch'
WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text = ANY($1::text[])
  AND NOT (c.relrowsecurity AND (c.relforcerowsecurity OR pg_get_userbyid(c.relowner) <> current_user))
"""


async def test_every_table_with_a_branch_has_row_security_and_one_without_is_seen(shop: Shop) -> None:
    schemas = [shop.settings.schema("pos") + suffix for suffix in ("", "_views", "_building")]
    async with shop.pos.pool.acquire() as tx:
        assert await tx.fetch(_UNGUARDED, schemas) == []
        undone = tx.transaction()
        await undone.start()
        await tx.execute("CREATE TABLE bare (branch text)")
        assert [row["relname"] for row in await tx.fetch(_UNGUARDED, schemas)] == ["bare"]
        await undone.rollback()


async def test_a_page_of_the_feed_fills_the_list(shop: Shop) -> None:
    cause = Cause("test", "test")
    sold, back = recorded(82_00, 20_00), given_back((1, 30_00, 52_00))
    page = [
        Envelope("sale", sold.sale_id, n, sold.sale_id, e, cause) for n, e in enumerate((sold, back, back), start=1)
    ]
    async with shop.pos.pool.acquire() as tx:
        undone = tx.transaction()
        await undone.start()
        await project(tx, page)
        row = await tx.fetchrow("SELECT * FROM receipts WHERE sale_id = $1", sold.sale_id)
        await undone.rollback()
    assert isinstance(row, asyncpg.Record)
    assert (row["number"], row["lines"], row["net_minor"], row["refunded_minor"]) == ("1001", 2, 102_00, 60_00)
