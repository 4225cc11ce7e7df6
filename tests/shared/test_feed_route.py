"""A service's feed over HTTP says the same as Kafka, as far as its relay has come."""

from uuid import uuid4

import orjson
import pytest

from shared.cloudevent import arrival, line_arrival, source_of
from shared.peer import PeerRefused
from shared.settings import Settings
from shared.tokens import Tokens
from tests.shared.pair import PARTITIONS, VOCABULARY, Pair, eventually, owner, pair
from tests.shared.topic import records
from tests.shared.toy import NAME


async def lines(two: Pair, query: str = "") -> list[bytes]:
    """Ask for the feed as a peer does."""
    return [line async for line in two.listener.peers.lines(NAME, f"/v1/feed?{query}")]


async def numbers(two: Pair, query: str = "") -> list[int]:
    """Return the numbers of what was answered."""
    return [orjson.loads(line)["position"][1] for line in await lines(two, query)]


async def said(two: Pair, count: int) -> None:
    """Let many counters speak, and wait for the relay."""
    await two.say(*((uuid4(), n) for n in range(count)))

    async def is_relayed() -> bool:
        return bool(await two.speaker.pool.fetchval("SELECT number = $1 FROM relay_cursor", count))

    await eventually(is_relayed)


async def test_a_line_says_what_the_record_says(settings: Settings) -> None:
    source = source_of(settings.cell, NAME)
    async with pair(settings) as two:
        await said(two, 10)
        by_line = {one.word: one for one in (line_arrival(line, source) for line in await lines(two))}
        told = [arrival(record, source) for record in await records(settings, two.topic)]
    by_record = {one.word: one for one in told if one.key}
    assert set(by_line) == set(by_record)
    for word, one in by_record.items():
        other = by_line[word]
        assert one.read(VOCABULARY) == other.read(VOCABULARY)
        assert (one.part, one.key, dict(one.headers)) == (other.part, other.key, dict(other.headers))


async def test_a_line_has_the_members_that_others_rely_on(settings: Settings) -> None:
    async with pair(settings) as two:
        await said(two, 1)
        (told,) = [orjson.loads(line) for line in await lines(two)]
    assert told["position"] == [1, 1]
    assert told["prev"] == [0, 0]
    assert told["type"] == f"branchline.{NAME}.Added.v1"
    assert told["time"] == "2026-11-02T12:00:00Z"
    assert told["id"] == f"counter-{told['key']}/1"
    assert told["meta"] == {"correlation": "test", "causation": "test"}
    assert told["data"]["amount"] == 0
    assert set(told) == {"position", "prev", "part", "id", "type", "time", "key", "recorded_at", "meta", "data"}


async def test_the_feed_is_read_by_page_and_by_partition(settings: Settings) -> None:
    async with pair(settings) as two:
        await said(two, 30)
        assert await numbers(two) == list(range(1, 31))
        assert await numbers(two, "after=1:10&limit=5") == [11, 12, 13, 14, 15]
        assert await numbers(two, "after=1:30") == []
        apart = [await numbers(two, f"part={part}") for part in range(PARTITIONS)]
        assert sorted(n for part in apart for n in part) == list(range(1, 31))
        assert all(part == sorted(part) for part in apart)


async def test_what_the_relay_has_not_sent_is_not_told(settings: Settings) -> None:
    async with pair(settings, parts=("http", "sequencer")) as two:
        await two.say((uuid4(), 1))
        assert await numbers(two) == []
        async with two.listener.peers.stream(NAME, "/v1/feed?limit=0") as answer:
            assert answer.headers["feed-cursor"] == "0:0"


async def test_a_reader_of_a_lost_future_is_told_what_took_its_place(settings: Settings) -> None:
    async with pair(settings) as two:
        await said(two, 10)
        await owner(two, "UPDATE feed SET epoch = 5 WHERE number > 7")
        assert await numbers(two, "after=1:10") == [8, 9, 10]
        assert await numbers(two, "after=1:7") == [8, 9, 10]
        assert await numbers(two, "after=5:8") == [9, 10]
        async with two.listener.peers.stream(NAME, "/v1/feed?limit=0") as answer:
            assert answer.headers["feed-cursor"] == "5:10"


@pytest.mark.parametrize("query", ["after=tomorrow", "after=1", "part=-1", "part=x", "limit=-1", "limit=10001"])
async def test_a_question_that_makes_no_sense_is_refused(settings: Settings, query: str) -> None:
    async with pair(settings, parts=("http",)) as two:
        with pytest.raises(PeerRefused, match="422 malformed"):
            await lines(two, query)


async def test_only_services_read_feeds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    token = Tokens(settings).sign("headquarters")
    async with pair(settings, parts=("http",)) as two:
        monkeypatch.setattr(type(two.listener.peers), "_headers", lambda _: {"authorization": f"Bearer {token}"})
        with pytest.raises(PeerRefused, match="403 role-not-allowed"):
            await lines(two)
