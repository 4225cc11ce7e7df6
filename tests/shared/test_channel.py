"""The channel's rules alone: whatever Kafka does, each event is applied once, in order, or a gap shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shared import channel
from shared.channel import (
    Beat,
    Link,
    Place,
    Reached,
    Verdict,
    Word,
    first_break,
    follow,
    needed,
    read_beat,
    read_link,
    read_position,
    said_in,
    write_link,
    write_position,
)
from shared.message import BEGINNING, Position
from tests.shared.forgetful import by_number, deaf_to_beats, unchained, unfenced


@dataclass(frozen=True)
class Told:
    """Something that arrives."""

    word: Word
    offset: int | None = None


@st.composite
def feeds(draw: st.DrawFn) -> list[Link]:
    """Make one partition's chain: numbers with holes for what is private or elsewhere, epochs that begin anew."""
    links: list[Link] = []
    epoch, number, prev = 1, 0, BEGINNING
    for step, is_restored in draw(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=25)):
        if is_restored and draw(st.integers(0, 5)) == 0:
            epoch, number = epoch + draw(st.integers(1, 1000)), max(0, number - 2)
        number += step
        links.append(Link(Position(epoch, number), prev))
        prev = links[-1].position
    return links


@st.composite
def kafkas(draw: st.DrawFn) -> tuple[list[Link], list[Word]]:
    """Make a chain and what Kafka gives of it: runs sent again, records lost, beats in between."""
    links = draw(feeds())
    log: list[Word] = []
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(links) - 1))
        log += links[start : draw(st.integers(start, len(links)))]
        log.append(Beat(links[draw(st.integers(0, len(links) - 1))].position, 1))
    return links, [word for word in log if draw(st.integers(0, 9))]


def consume(links: Sequence[Link], log: Sequence[Word], batches: Sequence[int]) -> list[Position]:
    """Be a consumer: follow the log in batches; on a gap read on from the row's offset once, then read the feed."""
    applied: list[Position] = []
    place, at, sought, turn = Place(BEGINNING, 0), 0, -1, 0
    while at < len(log):
        size = batches[turn % len(batches)]
        turn += 1
        assert turn < 10_000, "a gap that is never closed"
        told = [Told(word, at + i) for i, word in enumerate(log[at : at + size])]
        followed = follow(place, told)
        applied += [one.word.position for one in followed.fresh]
        place, at = followed.place, at + len(told)
        if followed.gap is None:
            continue
        if sought != place.next_offset:
            sought = place.next_offset
        else:
            missing = [Told(link) for link in links if place.last < link.position <= needed(followed.gap.word)]
            filled = follow(place, missing)
            applied += [one.word.position for one in filled.fresh]
            place = filled.place
        at = place.next_offset
    return applied


def check(told: tuple[list[Link], list[Word]], batches: list[int]) -> None:
    """Each event up to the last one that is named must be applied once, in order."""
    links, log = told
    last = max((word.position for word in log), default=BEGINNING)
    assert consume(links, log, batches) == [link.position for link in links if link.position <= last]


TELLINGS = (kafkas(), st.lists(st.integers(1, 9), min_size=1, max_size=5))


@settings(max_examples=300, deadline=None, database=None)
@given(*TELLINGS)
def test_each_event_that_is_named_is_applied_once_and_in_order(
    told: tuple[list[Link], list[Word]], batches: list[int]
) -> None:
    check(told, batches)


@pytest.mark.parametrize("rule", [unfenced, unchained, deaf_to_beats, by_number])
def test_a_rule_that_is_left_out_is_missed(
    rule: Callable[[Position, Word], Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "judge", rule)
    long = settings(max_examples=3000, deadline=None, database=None, phases=[Phase.generate])
    searched = long(given(*TELLINGS)(check))
    with pytest.raises(AssertionError):
        searched()


def test_what_a_reader_of_the_feed_has_reached_moves_a_partition_that_had_nothing() -> None:
    followed = follow(Place(Position(1, 3), 7), [Told(Reached(Position(1, 9))), Told(Reached(Position(1, 5)))])
    assert (list(followed.fresh), followed.place, followed.gap) == ([], Place(Position(1, 9), 7), None)


def test_a_repeat_never_moves_the_offset_back_but_news_may() -> None:
    place = Place(Position(1, 3), 50)
    repeat, news = Link(Position(1, 2), BEGINNING), Link(Position(1, 4), Position(1, 3))
    assert follow(place, [Told(repeat, 10)]).place.next_offset == 50
    assert follow(place, [Told(repeat, 60)]).place.next_offset == 61
    assert follow(place, [Told(news, 10)]).place.next_offset == 11


def test_a_chain_with_a_hole_is_seen_before_it_is_sent() -> None:
    chain = [Link(Position(1, 2), Position(1, 1)), Link(Position(1, 5), Position(1, 2))]
    assert first_break(chain) is None
    hole = Link(Position(1, 9), Position(1, 7))
    assert first_break([*chain, hole]) == hole
    assert first_break([Link(Position(1, 1), Position(1, 1))]) is not None


@given(st.tuples(*[st.integers(0, 2**62)] * 4))
def test_a_place_is_read_as_it_was_written(numbers: tuple[int, int, int, int]) -> None:
    link = Link(Position(*numbers[:2]), Position(*numbers[2:]))
    assert read_link(write_link(link)) == link
    assert read_position(write_position(link.position)) == link.position
    assert read_position(write_position(link.position).encode()) == link.position


@pytest.mark.parametrize("text", [b"", b"1:2:3", b"1:2:3:4:5", b"1:2:3:x", b"1:-2:0:0", b"1:9223372036854775808:0:0"])
def test_a_place_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_link(text)


def test_a_beat_names_the_epoch_of_its_store_and_an_older_relays_that_of_its_event() -> None:
    assert read_beat(b"1:93", b"2") == Beat(Position(1, 93), 2)
    assert read_beat(b"1:93", None) == Beat(Position(1, 93), 1)
    assert [said_in(word) for word in (Beat(Position(1, 93), 2), Link(Position(1, 93), BEGINNING))] == [2, 1]
    with pytest.raises(ValueError, match="not an epoch"):
        read_beat(b"1:93", b"-2")
