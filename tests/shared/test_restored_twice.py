"""A copy is restored once more after its rebase, or Kafka is lost with it: somebody always notices."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from shared.fence import CLOCKS_ERR
from shared.lineage import WentBack
from shared.parts import serving
from shared.rebase import rebase
from shared.settings import Settings
from tests.shared.dump import dump, restore
from tests.shared.gone_back import gone_back, hearing, spoken
from tests.shared.pair import LISTENER, at_work, eventually, owner, pair
from tests.shared.topic import lose
from tests.shared.toy import NAME, TOY


async def test_a_copy_that_is_restored_once_more_after_its_rebase_is_refused_and_rebased_again(
    settings: Settings, tmp_path: Path
) -> None:
    await gone_back(settings, tmp_path)
    first = await rebase(settings, NAME)
    await restore(settings, NAME, tmp_path / "copy")
    with pytest.raises(WentBack, match=r"epoch 1 only.*branchline rebase"):
        async with serving(TOY, settings):
            pytest.fail("it started")
    again = await rebase(settings, NAME)
    assert first and again
    assert (again.cut, again.head, again.lost) == (first.cut, first.head, [])
    assert again.epoch > first.epoch
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say(*((uuid4(), amount) for amount in (7, 8, 9, 10)))
        await two.until_heard(range(1, 11))
    assert await rebase(settings, NAME) is None


async def test_what_a_rebased_store_said_is_listed_when_its_copy_is_restored_once_more(
    settings: Settings, tmp_path: Path
) -> None:
    await gone_back(settings, tmp_path)
    await rebase(settings, NAME)
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say((uuid4(), 7))
        await two.until_heard(range(1, 8))
    await restore(settings, NAME, tmp_path / "copy")
    again = await rebase(settings, NAME)
    assert again
    assert [(one.is_in_store, one.applied_by) for one in again.lost] == [(False, [LISTENER])]
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say((uuid4(), 8))
        await two.until_heard(range(1, 9))


async def test_a_listener_halts_where_kafka_was_lost_too_and_hears_all_after_a_rebase(
    settings: Settings, tmp_path: Path
) -> None:
    one = uuid4()
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say((one, 1), (one, 2), (one, 3))
        await two.until_heard((1, 2, 3))
        copy = await dump(settings, NAME, tmp_path / "copy")
        await two.say((one, 4), (one, 5), (one, 6))
        await two.until_heard(range(1, 7))
    await restore(settings, NAME, copy)
    await lose(settings, settings.topic(NAME))
    await asyncio.sleep(CLOCKS_ERR.total_seconds() + 0.1)
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say((one, 7), (one, 8))  # at the places of 4 and 5
        await eventually(lambda: two.rows("halted"))
        await two.until_heard(range(1, 7))
    done = await rebase(settings, NAME)
    assert done
    assert (done.cut, done.head, done.numbered) == (3, 5, 2)
    async with pair(settings) as two, at_work(hearing(two)):
        await two.until_heard(range(1, 9))
        assert await two.rows("halted") == []


async def test_what_is_told_again_halts_nobody(settings: Settings) -> None:
    async with spoken(settings, 1, 2, 3) as two:
        await asyncio.sleep(CLOCKS_ERR.total_seconds() + 0.1)
        await owner(two, "UPDATE relay_cursor SET number = 0, leader = leader + 1, lease_until = '-infinity'")
        await two.say((uuid4(), 4))
        await two.until_heard(range(1, 5))
        assert await two.rows("halted") == []
