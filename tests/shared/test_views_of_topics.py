"""Views that are filled from another service's topic: built anew beside from that service's feed, then put in place."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from shared import hearers, rebuild, status, views
from shared.message import Cause, Envelope, Issued
from shared.migrations import provision
from shared.parts import serving
from shared.performing import perform
from shared.postgres import Tx
from shared.rebuild import ViewTables
from shared.running import Running
from shared.service import Heard, Service, ViewSet
from shared.settings import Settings
from tests.shared.toy import NAME, TOTALS, TOY, Add, Added, at, project

LISTENER = "projection"
# a leader that does nothing yet: the relay waits for its lease
_SET_BACK = (
    "UPDATE relay_cursor SET leader = leader + 1, number = 0, lease_until = clock_timestamp() + interval '1 hour'"
)
_LET_GO = "UPDATE relay_cursor SET lease_until = '-infinity'"
_WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock')
"""
SUM = "SELECT coalesce(sum(total), 0) FROM counters"


@pytest.fixture
async def speaker(provisioned: Settings) -> AsyncIterator[Running]:
    await provision(provisioned, LISTENER, None)
    async with serving(TOY, provisioned, parts=("sequencer", "relay", "http")) as running:
        yield running


def listener(sql: Path, projecting: Callable[[Tx, Sequence[Envelope]], Awaitable[None]] = project) -> Service:
    return Service(LISTENER, views=ViewSet(sql, projecting, hears=(Heard(NAME, (Added,)),)))


def changed(tmp_path: Path) -> Path:
    sql = tmp_path / "views.sql"
    sql.write_text(TOTALS.read_text() + "CREATE INDEX by_total ON counters (total);")
    return sql


async def say(speaker: Running, count: int) -> None:
    commands = [Add(counter_id=uuid4(), amount=1, at=at(0)) for _ in range(count)]
    await perform(speaker, [Issued(command, Cause("test", "test")) for command in commands])


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await is_so():
            await asyncio.sleep(0.02)


async def test_views_are_rebuilt_from_the_speakers_feed_while_the_old_ones_are_read(
    speaker: Running, tmp_path: Path
) -> None:
    await say(speaker, 300)
    async with serving(listener(TOTALS), speaker.settings, parts=("views",)) as old:
        await old.views_live.wait()
        await until(lambda: _is(old, 300))
    await say(speaker, 100)
    new = listener(changed(tmp_path))
    async with serving(new, speaker.settings, parts=("views",)):
        pass  # a start that was broken off
    seen: list[int] = []
    async with serving(new, speaker.settings, parts=("views",)) as running:
        while not running.views_live.is_set():
            seen.append(await running.pool.fetchval(SUM))
            await say(speaker, 1)
            await asyncio.sleep(0.02)
        seen.append(await running.pool.fetchval(SUM))
        await until(lambda: _is(running, 400 + len(seen) - 1))
        consumers = await running.pool.fetch("SELECT DISTINCT consumer FROM consumed")
        assert [row[0] for row in consumers] == [ViewTables(running).consumer]
    assert seen == sorted(seen)
    assert seen[0] == 300
    assert seen[-1] >= 400


async def test_a_build_whose_speaker_does_not_answer_leaves_the_old_views_in_place(
    speaker: Running, tmp_path: Path
) -> None:
    await say(speaker, 10)
    async with serving(listener(TOTALS), speaker.settings, parts=("views",)) as old:
        await old.views_live.wait()
        await until(lambda: _is(old, 10))
    deaf = replace(speaker.settings, peers="http://127.0.0.1:9")
    async with serving(listener(changed(tmp_path)), deaf, parts=("views",)) as running:
        await asyncio.sleep(1)
        assert not running.views_live.is_set()
        assert await _is(running, 10)


async def test_old_and_new_processes_live_side_by_side_and_the_newer_text_stays(
    speaker: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "LEASE", 2.0)
    monkeypatch.setattr(views, "RENEW_EVERY", 0.5)
    await say(speaker, 10)
    async with serving(listener(TOTALS), speaker.settings, parts=("views", "http")) as old:
        await old.views_live.wait()
        await until(lambda: _is(old, 10))
        async with serving(listener(changed(tmp_path)), speaker.settings, parts=("views",)) as new:
            await asyncio.wait_for(new.views_live.wait(), 20)
            for _ in range(60):  # longer than a consumer takes to see that its rows have gone
                await say(speaker, 1)
                await asyncio.sleep(0.1)
            assert (old.stop.is_set(), new.stop.is_set()) == (False, False)
            assert (old.views_live.is_set(), new.views_live.is_set()) == (False, True)
            assert b"true" in await old.peers.call(LISTENER, "GET", "/health/live")
            consumers = await new.pool.fetch("SELECT DISTINCT consumer FROM consumed")
            assert [row[0] for row in consumers] == [ViewTables(new).consumer]
            await until(lambda: _is(new, 70))
        await asyncio.wait_for(old.views_live.wait(), 20)  # the newer deploy was undone
        await until(lambda: _is(old, 70))


async def test_a_build_beside_a_relay_that_was_set_back_waits_for_what_readers_have_seen(
    speaker: Running, tmp_path: Path
) -> None:
    await say(speaker, 100)
    async with serving(listener(TOTALS), speaker.settings, parts=("views",)) as old:
        await old.views_live.wait()
        await until(lambda: _is(old, 100))
        await speaker.pool.execute(_SET_BACK)
        async with serving(listener(changed(tmp_path)), speaker.settings, parts=("views",)) as running:
            await asyncio.sleep(4)
            assert not running.views_live.is_set()
            assert await _is(running, 100)
            await speaker.pool.execute(_LET_GO)
            await asyncio.wait_for(running.views_live.wait(), 30)
            assert await _is(running, 100)


@pytest.mark.parametrize("late", [0.3, 2.5], ids=["while the old views are held", "after they were let go"])
async def test_what_readers_are_shown_while_the_feed_is_asked_is_in_the_build_before_it_is_read(
    late: float, speaker: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hears, is_told = asyncio.Event(), asyncio.Event()
    hears.set()

    async def when_it_hears(tables: ViewTables, tx: Tx, *, alone: bool) -> int:
        if tables.text == changed(tmp_path).read_text():
            await hears.wait()
        return await enter(tables, tx, alone=alone)

    async def and_readers_see_more(running: Running, tables: ViewTables, before: hearers.Shown) -> bool:
        heard = await has_heard_all(running, tables, before)
        if heard and not is_told.is_set():
            hears.clear()
            await say(speaker, 50)
            await until(lambda: _is(old, 150))
            is_told.set()
            asyncio.get_running_loop().call_later(late, hears.set)
        return heard

    enter, has_heard_all = ViewTables.enter, hearers.has_heard_all
    monkeypatch.setattr(ViewTables, "enter", when_it_hears)
    monkeypatch.setattr(hearers, "has_heard_all", and_readers_see_more)
    await say(speaker, 100)
    async with serving(listener(TOTALS), speaker.settings, parts=("views",)) as old:
        await old.views_live.wait()
        await until(lambda: _is(old, 100))
        async with serving(listener(changed(tmp_path)), speaker.settings, parts=("views",)) as running:
            await asyncio.wait_for(is_told.wait(), 20)
            async with asyncio.timeout(20):
                while not running.views_live.is_set():
                    assert await _is(old, 150)
            assert await _is(running, 150)


async def test_who_fills_the_held_views_waits_before_it_has_anything_in_hand_and_holds_up_no_swap(
    speaker: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    async def while_more_comes(running: Running, tables: ViewTables, before: hearers.Shown, tx: Tx) -> bool:
        await say(speaker, 50)
        await until(lambda: _somebody_waits(running))
        asked.append(await has_kept_up(running, tables, before, tx))
        return asked[-1]

    has_kept_up = hearers.has_kept_up
    monkeypatch.setattr(hearers, "has_kept_up", while_more_comes)
    await say(speaker, 100)
    async with serving(listener(TOTALS), speaker.settings, parts=("views",)) as old:
        await old.views_live.wait()
        await until(lambda: _is(old, 100))
        async with serving(listener(changed(tmp_path)), speaker.settings, parts=("views",)) as running:
            await asyncio.wait_for(running.views_live.wait(), 30)
            assert asked == [True]
            await until(lambda: _is(running, 150))


async def _somebody_waits(running: Running) -> bool:
    """Return whether a connection of the service waits for what another one has locked."""
    found: bool = await running.pool.fetchval(_WAITS, running.settings.schema(LISTENER))
    return found


async def _is_idle(running: Running) -> bool:
    """Return whether the status says that nothing of the topic is left, and of nothing else."""
    (told,) = (await status.collect(running))["consumers"]
    assert (told["consumer"], told["topic"]) == (ViewTables(running).consumer, running.settings.topic(NAME))
    assert (told["parked"], told["halted"], told["set_aside"]) == ([], False, 0)
    return (told["lag_events"], told["lag_seconds"]) == (0, 0.0)


async def _is(running: Running, total: int) -> bool:
    found: int = await running.pool.fetchval(SUM)
    return found == total


async def test_the_first_views_of_a_service_are_read_at_once_and_fill_up(speaker: Running) -> None:
    seen: list[Sequence[Envelope]] = []

    async def keeping(tx: Tx, told: Sequence[Envelope]) -> None:
        seen.append(told)
        await project(tx, told)

    async with serving(listener(TOTALS, keeping), speaker.settings, parts=("views",)) as running:
        await asyncio.wait_for(running.views_live.wait(), 10)
        await say(speaker, 5)
        await until(lambda: _is(running, 5))
        await until(lambda: _is_idle(running))
    assert sum(len(told) for told in seen) == 5
