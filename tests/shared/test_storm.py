"""The channel loses nothing, repeats nothing and keeps order in a storm; without one of its rules it does not."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared import channel, outlet
from shared.channel import Link, Verdict, Word
from shared.message import Position
from shared.relay import Led, Page, Relay
from shared.settings import Settings
from tests.shared import storm as weather
from tests.shared.pair import Pair, owner, pair
from tests.shared.storm import storm

# who is killed closes nothing
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

PLANTED = Path(__file__).parent / "planted.sql"
DROPPED_EVERY = 3
DIES_EVERY = 3


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.relay.LEASE", 0.5)
    monkeypatch.setattr("shared.relay.PAGE", 100)
    genuine, turns = Relay.move, count()

    async def move(relay: Relay, led: Led, page: Page) -> Led | None:
        if page.rows and next(turns) % DIES_EVERY == 1:
            raise ConnectionError("killed after Kafka had acknowledged")
        return await genuine(relay, led, page)

    monkeypatch.setattr(Relay, "move", move)
    monkeypatch.setattr("shared.relay.STANDBY_LOOK", 0.05)
    monkeypatch.setattr("shared.relay.BEAT_EVERY", 0.5)


async def test_nothing_is_lost_or_repeated_in_a_storm(settings: Settings) -> None:
    async with pair(settings, parts=("http",)) as two:
        after = await storm(two)
        assert after.committed >= weather.EVENTS
        assert after.is_well, after


@pytest.mark.parametrize("reader", ["by_seq", "below_the_oldest_transaction"])
async def test_a_reader_that_follows_sequence_or_oldest_transaction_is_found_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    monkeypatch.setattr(weather, "CALM", 1.5)
    async with pair(settings, parts=("http",)) as two:
        await plant(two, reader)
        after = await storm(two)
        assert after.lost if reader == "by_seq" else after.out_of_order


async def plant(two: Pair, reader: str) -> None:
    """Put a reader that breaks a rule in the sequencer's place."""
    await owner(two, PLANTED.read_text())
    await owner(two, "DROP FUNCTION number_events()")
    await owner(two, " ".join(["ALTER FUNCTION", reader, "RENAME TO number_events"]))


async def test_a_consumer_without_the_fence_is_found_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(_last: Position, word: Word) -> Verdict:
        return Verdict.APPLY if isinstance(word, Link) else Verdict.SKIP

    monkeypatch.setattr(channel, "judge", unfenced)
    monkeypatch.setattr(weather, "CALM", 1.5)
    async with pair(settings, parts=("http",)) as two:
        assert (await storm(two)).twice


async def test_what_a_producer_drops_between_two_batches_is_not_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropping(monkeypatch)
    async with pair(settings, parts=("http",)) as two:
        after = await storm(two)
        assert after.is_well, after


async def test_a_consumer_without_the_predecessor_check_is_found_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchained(last: Position, word: Word) -> Verdict:
        return Verdict.APPLY if isinstance(word, Link) and word.position > last else Verdict.SKIP

    dropping(monkeypatch)
    monkeypatch.setattr(channel, "judge", unchained)
    monkeypatch.setattr(weather, "CALM", 1.5)
    async with pair(settings, parts=("http",)) as two:
        assert (await storm(two)).lost


def dropping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the producer lose the first of two batches of a partition now and then, and acknowledge it all the same."""
    genuine = outlet._batches
    turns = count()

    def batches(producer: Any, records: Any) -> Any:
        told = list(genuine(producer, records))
        if len(told) > 1 and next(turns) % DROPPED_EVERY == 0:
            del told[0]
        return told

    monkeypatch.setattr(outlet, "LARGEST_BATCH", 1500)
    monkeypatch.setattr(outlet, "_batches", batches)
