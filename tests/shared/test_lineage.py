"""A store that is not the one which spoke last gives nothing out, and says why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from shared import lineage
from shared.lineage import WentBack
from shared.parts import serving
from shared.running import CannotRun
from shared.settings import Settings
from tests.shared.pair import Pair, eventually, owner, pair
from tests.shared.topic import put
from tests.shared.toy import NAME, TOY


@asynccontextmanager
async def spoken(settings: Settings) -> AsyncIterator[Pair]:
    """Give a service that has spoken and beaten, and stands still."""
    async with pair(settings) as two:
        await two.say(*((uuid4(), n) for n in range(12)))
        await eventually(lambda: has_relayed(two, 12))
    async with pair(settings, parts=("http",)) as two:
        yield two


async def has_relayed(two: Pair, number: int) -> bool:
    return bool(await two.speaker.pool.fetchval("SELECT number >= $1 FROM relay_cursor", number))


async def test_the_store_that_spoke_last_goes_on(settings: Settings) -> None:
    async with spoken(settings) as two:
        await lineage.check(two.speaker)


async def test_a_store_that_lost_its_last_events_says_nothing(settings: Settings) -> None:
    async with spoken(settings) as two:
        await go_back(two, 9)
        with pytest.raises(WentBack, match=r"Kafka has heard counter-.* which its feed does not say"):
            await lineage.check(two.speaker)


async def test_a_store_that_gave_the_numbers_of_lost_events_to_others_says_nothing(settings: Settings) -> None:
    async with spoken(settings) as two:
        await go_back(two, 0)
        await two.say(*((uuid4(), n) for n in range(50)))
        await owner(two, "SELECT number_events()")
        with pytest.raises(WentBack, match=r"which its feed does not say"):
            await lineage.check(two.speaker)


async def go_back(two: Pair, number: int) -> None:
    """Set the store back to an earlier number, as a restore does."""
    await owner(
        two,
        "ALTER TABLE event DISABLE TRIGGER USER; ALTER TABLE feed DISABLE TRIGGER USER;"
        f"DELETE FROM event WHERE seq > {number}; DELETE FROM feed WHERE number > {number};"
        f"UPDATE feed_head SET number = {number}; UPDATE relay_cursor SET number = {number};"
        "ALTER TABLE event ENABLE TRIGGER USER; ALTER TABLE feed ENABLE TRIGGER USER",
    )


async def test_a_store_in_another_database_says_nothing(settings: Settings) -> None:
    async with spoken(settings) as two:
        await owner(two, "UPDATE feed_head SET system_id = 1")
        with pytest.raises(WentBack, match=r"lived in database 1 .* compare it with Kafka"):
            await lineage.check(two.speaker)
        await owner(two, "UPDATE feed_head SET system_id = (SELECT system_identifier FROM pg_control_system())")
        await owner(two, "UPDATE feed_head SET timeline = timeline + 1")
        with pytest.raises(WentBack, match="on timeline 2"):
            await lineage.check(two.speaker)


async def test_a_store_whose_transactions_begin_again_says_nothing(settings: Settings) -> None:
    async with spoken(settings) as two:
        await owner(
            two,
            "ALTER TABLE event DISABLE TRIGGER USER; UPDATE event SET tx = '9999999999' WHERE seq = 12;"
            "ALTER TABLE event ENABLE TRIGGER USER",
        )
        with pytest.raises(WentBack, match="transactions that this database has not begun"):
            await lineage.check(two.speaker)


async def test_an_epoch_above_the_stores_own_says_that_it_went_back(settings: Settings) -> None:
    async with spoken(settings) as two:
        headers = [("ce_source", f"/branchline/{settings.cell}/{NAME}".encode()), ("beat", b"7:1"), ("ce_id", b"x/1")]
        await put(settings, two.topic, 0, headers)
        with pytest.raises(WentBack, match=r"at 7:1 .* at epoch 1 only"):
            await lineage.check(two.speaker)


async def test_a_cursor_beyond_the_feed_says_that_it_went_back(settings: Settings) -> None:
    async with spoken(settings) as two:
        await owner(two, "UPDATE relay_cursor SET number = 13")
        with pytest.raises(WentBack, match="sent more than its feed holds"):
            await lineage.check(two.speaker)


async def test_what_others_put_on_the_topic_proves_nothing(settings: Settings) -> None:
    async with spoken(settings) as two:
        await put(settings, two.topic, 0, [("feed", b"9:9:0:0")])
        await lineage.check(two.speaker)


async def test_a_service_does_not_start_on_a_store_that_went_back(settings: Settings) -> None:
    async with spoken(settings) as two:
        await go_back(two, 9)
    with pytest.raises(CannotRun, match="compare it with Kafka"):
        async with serving(TOY, settings):
            pytest.fail("it started")
