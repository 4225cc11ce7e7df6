"""A store that went back says nothing, until a rebase has found what was lost; then all that it has is heard once."""

import asyncio
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from branchline.rebase import report
from shared import topics
from shared.catching_up import CatchingUp
from shared.channel import read_link
from shared.lineage import WentBack, check, read_store
from shared.message import Position
from shared.parts import serving
from shared.rebase import StillRuns, alone, rebase, rebase_store
from shared.running import finish, start
from shared.settings import Settings
from shared.status import collect
from tests.shared.dump import dump, new_cluster, restore
from tests.shared.gone_back import gone_back, hearing, say_unseen, spoken
from tests.shared.pair import LISTENER, PARTITIONS, Pair, at_work, eventually, pair
from tests.shared.topic import lose, records
from tests.shared.toy import NAME, TOY


async def test_what_a_restored_store_says_is_heard_once_and_what_it_lost_is_listed(
    settings: Settings, tmp_path: Path
) -> None:
    await gone_back(settings, tmp_path)
    with pytest.raises(WentBack, match="branchline rebase"):
        async with serving(TOY, settings):
            pytest.fail("it started")
    done = await rebase(settings, NAME)
    assert done
    assert [(one.is_in_store, one.applied_by) for one in done.lost] == [(False, [LISTENER])] * 3
    assert (done.cut, done.head, done.numbered) == (3, 3, 0)
    assert "applied by inventory" in "\n".join(report(NAME, done))
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say(*((uuid4(), amount) for amount in (7, 8, 9, 10)))
        await two.until_heard(range(1, 11))
        assert (await collect(two.speaker))["feed"]["lost"] == 3
    assert await rebase(settings, NAME) is None


async def test_what_was_sent_and_is_still_in_the_store_is_told_again_under_the_new_epoch(
    settings: Settings, tmp_path: Path
) -> None:
    async with pair(settings, parts=("http",)) as two:
        await two.say((uuid4(), 1), (uuid4(), 2))  # committed, and given no number yet
        copy = await dump(settings, NAME, tmp_path / "copy")
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say((uuid4(), 3))
        await two.until_heard((1, 2, 3))
    await restore(settings, NAME, copy)
    done = await rebase(settings, NAME)
    assert done
    assert [one.is_in_store for one in done.lost] == [True, True, False]
    assert (done.cut, done.numbered) == (0, 2)
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say((uuid4(), 4))
        await two.until_heard((1, 2, 3, 4))
        links = [dict(record.headers).get("feed") for record in await records(settings, two.topic)]
    told = [read_link(link).position for link in links if link]
    assert sorted(told) == [Position(done.epoch, number) for number in (1, 2, 3)]


async def test_numbers_that_were_given_to_others_are_given_anew(settings: Settings, tmp_path: Path) -> None:
    await gone_back(settings, tmp_path)
    careless = await start(TOY, settings)
    await say_unseen(careless, 7, 8, 9)
    await finish(careless)
    done = await rebase(settings, NAME)
    assert done
    assert (done.cut, done.head, done.numbered) == (3, 6, 3)
    async with pair(settings) as two, at_work(hearing(two)):
        await two.until_heard(range(1, 10))


async def test_a_late_listener_hears_nothing_of_what_was_lost(settings: Settings, tmp_path: Path) -> None:
    await gone_back(settings, tmp_path)
    await rebase(settings, NAME)
    async with pair(settings) as two:
        await two.say((uuid4(), 7))
        await two.listener.pool.execute("DELETE FROM consumed; DELETE FROM heard")
        async with at_work(two.consumer()):
            await two.until_heard((1, 2, 3, 7))


async def test_a_listener_beyond_the_cut_finds_in_the_feed_what_kafka_lost(settings: Settings, tmp_path: Path) -> None:
    await gone_back(settings, tmp_path)
    await rebase(settings, NAME)
    async with pair(settings) as two:
        one = uuid4()
        await two.say((one, 7))
        await eventually(lambda: has_relayed(two, 4))
        await lose(settings, two.topic)
        await two.say((one, 8))
        async with at_work(hearing(two)):
            await two.until_heard(range(1, 9))


async def has_relayed(two: Pair, number: int) -> bool:
    return bool(await two.speaker.pool.fetchval("SELECT number >= $1 FROM relay_cursor", number))


async def test_a_gap_that_a_rebase_has_cut_off_is_waited_for_no_more(settings: Settings, tmp_path: Path) -> None:
    await gone_back(settings, tmp_path)
    await rebase(settings, NAME)
    async with pair(settings) as two, asyncio.timeout(10):
        for part in await two.places():
            await CatchingUp(hearing(two).applier).fill(part, Position(1, 99))


async def test_a_rebase_that_was_broken_off_is_done_again(settings: Settings, tmp_path: Path) -> None:
    await gone_back(settings, tmp_path)
    topic = settings.topic(NAME)
    ends = await topics.ends(settings, topic, await topics.partitions(settings, topic))
    with suppress(ZeroDivisionError):
        async with alone(settings, NAME) as tx:
            await rebase_store(tx, settings, NAME, ends)
            raise ZeroDivisionError  # before its commit
    async with alone(settings, NAME) as tx:
        first = await rebase_store(tx, settings, NAME, ends)
    assert first  # and killed here, with Kafka as it was
    with pytest.raises(WentBack):
        async with serving(TOY, settings):
            pytest.fail("it started")
    again = await rebase(settings, NAME)
    assert again
    assert again.epoch > first.epoch
    assert [one.event_id for one in again.lost] == [one.event_id for one in first.lost]
    left = [dict(record.headers) for record in await records(settings, topic)]
    assert [beat["epoch"] for beat in left] == [b"%d" % again.epoch] * PARTITIONS
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say((uuid4(), 7))
        await two.until_heard(range(1, 8))


async def test_a_service_that_runs_is_not_rebased(settings: Settings) -> None:
    async with spoken(settings, 1):
        with pytest.raises(StillRuns, match="stop it first"):
            await rebase(settings, NAME)


async def test_what_waits_for_its_key_is_listed_as_waiting(settings: Settings, tmp_path: Path) -> None:
    async with spoken(settings, 1) as two:
        copy = await dump(settings, NAME, tmp_path / "copy")
        two.poison.amounts = {13}
        await two.say((uuid4(), 13))
        await eventually(lambda: two.rows("dead_letter"))
    await restore(settings, NAME, copy)
    done = await rebase(settings, NAME)
    assert done
    assert [(one.applied_by, one.waits_at) for one in done.lost] == [([], [LISTENER])]


async def test_a_dump_restored_in_another_cluster_is_flagged_and_after_a_rebase_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    async with spoken(settings, 1, 2, 3):
        pass
    copies = {name: await dump(settings, name, tmp_path / name) for name in (NAME, LISTENER)}
    async with new_cluster(settings, (NAME, LISTENER)) as moved:
        for name, copy in copies.items():
            await restore(moved, name, copy)
        running = await start(TOY, moved)
        async with running.pool.acquire() as tx:
            assert (await read_store(tx)).is_from_the_future
        with pytest.raises(WentBack, match="lived in database"):
            await check(running)
        await finish(running)
        done = await rebase(moved, NAME)
        assert done
        assert (done.cut, done.numbered, done.lost, done.spoiled) == (3, 0, [], [])
        async with pair(moved) as two, at_work(hearing(two)):
            await two.say(*((uuid4(), amount) for amount in (4, 5, 6)))
            await two.until_heard(range(1, 7))
            async with two.speaker.pool.acquire() as tx:
                assert not (await read_store(tx)).is_from_the_future
        assert await rebase(moved, NAME) is None
