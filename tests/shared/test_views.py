"""Views follow the feed, and a changed text builds them beside those that are read, which are never empty meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared import views
from shared.http import reading
from shared.message import Cause, Envelope, Issued
from shared.parts import serving
from shared.performing import perform
from shared.postgres import Tx
from shared.rebuild import ViewTables
from shared.running import Running, finish, start
from shared.service import Service, ViewSet
from shared.settings import Settings
from shared.tokens import Caller
from tests.shared.toy import COUNTER, TOTALS, TOY, WITH_VIEWS, Add, Taken, at, project

PARTS = ("sequencer", "views")
CAUSE = Cause("test", "test")
SUM = "SELECT coalesce(sum(total), 0) FROM counters"


def changed(tmp_path: Path, text: str = "CREATE INDEX by_total ON counters (total);") -> Service:
    sql = tmp_path / "views.sql"
    sql.write_text(TOTALS.read_text() + text)
    return replace(TOY, views=ViewSet(sql, project))


async def write(running: Running, count: int) -> None:
    commands = [Add(counter_id=uuid4(), amount=1, at=at(0)) for _ in range(count)]
    await perform(running, [Issued(command, CAUSE) for command in commands])


async def until(running: Running, question: str, is_enough: Callable[[int], bool]) -> None:
    async with asyncio.timeout(15):
        while not is_enough(await running.pool.fetchval(question)):
            await asyncio.sleep(0.01)


async def test_views_follow_the_feed_page_by_page(provisioned: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE", 7)
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as running:
        await running.views_live.wait()
        await write(running, 50)
        await until(running, SUM, lambda found: found == 50)
        await write(running, 1)
        await until(running, SUM, lambda found: found == 51)
        assert await running.pool.fetchval("SELECT count(*) FROM full_counters") == 51


async def test_a_restart_goes_on_where_the_views_were(provisioned: Settings) -> None:
    for total in (3, 6):
        async with serving(WITH_VIEWS, provisioned, parts=PARTS) as running:
            await running.views_live.wait()
            await write(running, 3)
            await until(running, "SELECT number FROM view_set", total.__eq__)
            assert await running.pool.fetchval(SUM) == total


async def test_a_caller_sees_the_rows_of_her_branch_and_headquarters_all(provisioned: Settings) -> None:
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as running:
        await running.views_live.wait()
        commands = [Add(counter_id=UUID(int=n), amount=n, at=at(0)) for n in (1, 2, 3)]
        await perform(running, [Issued(command, CAUSE) for command in commands])
        await until(running, "SELECT count(*) FROM counters", lambda found: found == 3)
        seen = {}
        for caller in (Caller("headquarters"), Caller("staff", "B1"), Caller("staff", "B0"), Caller("staff")):
            async with reading(running, caller) as tx:
                seen[caller.scope] = await tx.fetchval("SELECT count(*) FROM counters")
        assert seen == {"*": 3, "B1": 2, "B0": 1, "": 0}
        assert await running.pool.fetchval("SELECT count(*) FROM counters") == 3


async def rebuilt_under_writes(provisioned: Settings, tmp_path: Path) -> list[int]:
    """Rebuild while events come in; return what a reader saw, over and over, from before it until after the swap."""
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as before:
        await before.views_live.wait()
        await write(before, 300)
        await until(before, SUM, lambda found: found == 300)
    seen: list[int] = []
    async with serving(changed(tmp_path), provisioned, parts=PARTS) as running:
        assert not running.views_live.is_set()
        for _ in range(20):
            seen.append(await running.pool.fetchval(SUM))
            await write(running, 10)
        while not running.views_live.is_set():
            seen.append(await running.pool.fetchval(SUM))

        def is_all(found: int) -> bool:
            seen.append(found)
            return found == 500

        await until(running, SUM, is_all)
    return seen


async def test_a_reader_sees_the_old_views_until_the_new_ones_have_caught_up(
    provisioned: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE", 10)
    seen = await rebuilt_under_writes(provisioned, tmp_path)
    assert seen == sorted(seen)
    assert seen[0] == 300


async def test_a_swap_before_catching_up_would_be_seen(
    provisioned: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said_to_be(*_: object) -> bool:
        return True

    monkeypatch.setattr(views, "PAGE", 10)
    monkeypatch.setattr(views, "_has_seen_the_end", lambda _: True)
    monkeypatch.setattr(views, "_reads_the_rest", said_to_be)
    seen = await rebuilt_under_writes(provisioned, tmp_path)
    assert seen != sorted(seen)


async def test_a_build_that_was_killed_goes_on_where_it_was(
    provisioned: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE", 10)
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as running:
        await running.views_live.wait()
        await write(running, 100)
        await until(running, SUM, lambda found: found == 100)
    pages: list[int] = []
    new = changed(tmp_path)
    assert new.views

    async def dying(tx: Tx, told: Sequence[Envelope]) -> None:
        pages.append(len(told))
        await project(tx, told)
        if len(pages) == 4:
            await asyncio.Event().wait()  # the kill finds it in the middle of a transaction

    killed = await start(replace(new, views=replace(new.views, project=dying)), provisioned)
    part = asyncio.create_task(views.views(killed))
    async with asyncio.timeout(10):
        while len(pages) < 4:
            await asyncio.sleep(0.01)
    assert await killed.pool.fetchval(SUM) == 100
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)
    await finish(killed)

    resumed: list[int] = []

    async def counting(tx: Tx, told: Sequence[Envelope]) -> None:
        resumed.append(len(told))
        await project(tx, told)

    async with serving(replace(new, views=replace(new.views, project=counting)), provisioned, parts=PARTS) as running:
        await running.views_live.wait()
        assert await running.pool.fetchval(SUM) == 100
    assert sum(resumed) == 70


async def test_an_event_that_an_older_process_passed_over_is_in_the_views_of_the_newer(provisioned: Settings) -> None:
    unread = replace(WITH_VIEWS, aggregates=(replace(COUNTER, events=(Taken,)),))
    async with serving(unread, provisioned, parts=PARTS) as old:
        await old.views_live.wait()
        await write(old, 3)
        await until(old, "SELECT number FROM view_set", lambda number: number == 3)
        assert await old.pool.fetchval(SUM) == 0
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as new:
        await until(new, SUM, lambda found: found == 3)


async def test_a_broken_off_build_of_another_text_is_dropped(provisioned: Settings, tmp_path: Path) -> None:
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as running:
        await running.views_live.wait()
    halfway = await start(changed(tmp_path, "CREATE TABLE left_over (id int);"), provisioned)
    async with halfway.pool.acquire() as tx, tx.transaction():
        assert not await ViewTables(halfway).prepare(tx)
    await finish(halfway)
    async with serving(changed(tmp_path), provisioned, parts=PARTS) as running:
        await running.views_live.wait()
        assert await running.pool.fetchval("SELECT count(*) FROM view_set") == 1
        assert await running.pool.fetchval("SELECT count(*) FROM pg_tables WHERE tablename = 'left_over'") == 0


async def test_a_reader_who_does_not_let_go_only_delays_the_swap(provisioned: Settings, tmp_path: Path) -> None:
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as old:
        await old.views_live.wait()
        await write(old, 5)
        await until(old, SUM, lambda found: found == 5)
        async with old.pool.acquire() as reader, reader.transaction():
            assert await reader.fetchval(SUM) == 5
            async with serving(changed(tmp_path), provisioned, parts=("views",)) as new:
                await asyncio.sleep(1)
                assert not new.views_live.is_set()
                assert await old.pool.fetchval(SUM) == 5
                assert await reader.fetchval("SELECT count(*) FROM full_counters") == 5
        async with serving(changed(tmp_path), provisioned, parts=("views",)) as new, asyncio.timeout(10):
            await new.views_live.wait()


async def test_an_event_that_the_views_cannot_take_stops_them_and_nothing_else(provisioned: Settings) -> None:
    async def broken(_tx: Tx, _told: Sequence[Envelope]) -> None:
        raise RuntimeError("a bug")

    service = replace(TOY, views=ViewSet(TOTALS, broken))
    async with serving(service, provisioned, parts=PARTS) as running:
        await running.views_live.wait()
        await write(running, 1)
        await until(running, "SELECT count(*) FROM feed", lambda found: found == 1)
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as mended:
        await until(mended, SUM, lambda found: found == 1)
