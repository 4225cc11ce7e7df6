"""One relay leads at a time: by a lease that it holds while it works, and lets go of when another has taken it."""

import asyncio
from typing import Any

import pytest

from shared import relay
from shared.relay import Led, Relay
from shared.settings import Settings
from tests.shared.pair import at_work, eventually, pair
from tests.shared.test_relay import leading, one_page, say, told

_TAKEN = "UPDATE relay_cursor SET leader = leader + 1, lease_until = '-infinity' RETURNING leader"


async def test_only_one_leads_until_its_lease_is_over_or_given_back(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        first, second = Relay(two.speaker, lease=0.3), Relay(two.speaker, lease=60)
        led = await leading(first)
        assert await second.lead() is None
        await eventually(second.lead)
        await first.leave(led)  # it leads no more: this takes nothing from the second
        assert await first.lead() is None


async def test_a_lease_is_held_however_long_a_page_takes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LEASE", 0.3)
    genuine = Relay.deliver

    async def slow(work: Relay, page: Any) -> None:
        await asyncio.sleep(1.0 if page.rows else 0)
        await genuine(work, page)

    monkeypatch.setattr(Relay, "deliver", slow)
    async with pair(settings, parts=("http", "relay")) as two:
        await say(two, 1)

        async def is_relayed() -> bool:
            return bool(await two.speaker.pool.fetchval("SELECT number = 1 FROM relay_cursor"))

        await eventually(is_relayed)
        assert await Relay(two.speaker, lease=60).lead() is None
        assert await two.speaker.pool.fetchval("SELECT leader FROM relay_cursor") == 1
        assert len(await told(two)) == 1


async def test_a_leader_that_slept_sends_again_and_moves_nothing(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        await say(two, 1, 2, 3)
        asleep, awake = Relay(two.speaker, lease=0), Relay(two.speaker, lease=60)
        old = await leading(asleep)
        page = await asleep.read(old.number)
        led = await one_page(two, awake, await leading(awake))
        await say(two, 4)
        assert led
        led = await one_page(two, awake, led)
        await asleep.deliver(page)
        assert await asleep.move(old, page) is None
        assert led == Led(old.leader + 1, 4)
        assert len(await told(two)) == 4 + 3
        async with at_work(two.consumer()):
            await two.until_heard([1, 2, 3, 4])
        await asleep.outlet.close()
        await awake.outlet.close()


async def test_a_leader_whom_kafka_keeps_waiting_lets_go_when_another_has_taken_its_lease(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LEASE", 0.3)
    genuine, waiting = Relay.deliver, asyncio.Event()

    async def lost_at_first(work: Relay, page: Any) -> None:
        if page.rows and not waiting.is_set():
            waiting.set()
            await asyncio.Event().wait()
        await genuine(work, page)

    monkeypatch.setattr(Relay, "deliver", lost_at_first)
    async with pair(settings, parts=("http", "relay")) as two:
        await say(two, 1)
        await asyncio.wait_for(waiting.wait(), 10)
        taken = await two.speaker.pool.fetchval(_TAKEN)

        async def is_led_again() -> bool:
            return bool(await two.speaker.pool.fetchval("SELECT leader > $1 AND number = 1 FROM relay_cursor", taken))

        await eventually(is_led_again)
        assert len(await told(two)) == 1
