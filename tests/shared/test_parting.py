"""Where a store and what was heard of it part, and which epoch comes after."""

from dataclasses import dataclass

import pytest

from shared.channel import Beat, Link, Word
from shared.message import BEGINNING, Position
from shared.parting import Cut, Heard, Server, Store, denial, doubt, is_cut_off, latest, next_epoch

HERE = Server(1, 1)


def heard(number: int, *, epoch: int = 1, is_said: bool = True) -> Heard:
    return Heard(Position(epoch, number), is_said)


def lost(number: int, *, epoch: int = 1) -> Heard:
    return heard(number, epoch=epoch, is_said=False)


def test_a_store_that_all_agree_with_is_cut_at_its_end() -> None:
    cut = Cut(head=9, epoch=1)
    cut.kafka([heard(3), heard(8)])
    cut.listeners([heard(8)])
    assert cut.number == 9


def test_the_cut_is_below_everything_that_the_feed_does_not_say() -> None:
    cut = Cut(head=9, epoch=1)
    cut.kafka([heard(3), lost(12), lost(8), heard(6)])
    cut.kafka([heard(9)])
    assert (cut.number, cut.highest) == (7, Position(1, 12))


def test_what_lies_beyond_the_feed_cuts_nothing_of_it() -> None:
    cut = Cut(head=9, epoch=1)
    cut.listeners([lost(30)])
    assert cut.number == 9


def test_below_a_later_epoch_only_what_kafka_has_in_common_stays() -> None:
    cut = Cut(head=90, epoch=1)
    cut.kafka([heard(70), lost(120, epoch=2), heard(80)])
    cut.listeners([heard(88), lost(150, epoch=2)])
    assert cut.number == 80


def test_where_the_beginning_of_a_later_epoch_is_heard_no_more_nothing_stays() -> None:
    cut = Cut(head=90, epoch=1)
    cut.listeners([lost(150, epoch=2), heard(90)])
    assert cut.number == 0


def test_a_later_epoch_of_which_only_beats_are_left_is_cut_where_kafka_was_emptied() -> None:
    cut = Cut(head=90, epoch=1)
    cut.kafka([heard(70), heard(68)])
    cut.words([Beat(Position(1, 70), 2), Beat(Position(1, 68), 2)])
    assert (cut.number, cut.newest, cut.is_whole) == (70, 2, False)


def test_a_place_that_an_earlier_rebase_has_cut_off_is_no_news() -> None:
    assert is_cut_off(Position(1, 150), 2)
    assert not is_cut_off(Position(2, 150), 2)


def test_a_new_epoch_is_above_the_stores_above_what_was_heard_and_never_before_the_clock() -> None:
    assert next_epoch(5, 3, 0.0) == 6
    assert next_epoch(1, 8, 0.0) == 9
    assert next_epoch(1, 2, 1_900_000_000.9) == 1_900_000_000


@pytest.mark.parametrize(
    ("store", "why"),
    [
        (Store(HERE, HERE, 1, 5, 5, False), None),
        (Store(HERE, Server(2, 1), 1, 5, 5, False), "lived in database 1 on timeline 1 and is now in 2 on timeline 1"),
        (Store(HERE, Server(1, 2), 1, 5, 5, False), "is now in 1 on timeline 2"),
        (Store(HERE, HERE, 1, 5, 5, True), "has not begun"),
        (Store(HERE, HERE, 1, 5, 6, False), "has sent more than its feed holds"),
    ],
)
def test_a_store_says_itself_why_it_may_not_be_the_one_that_spoke_last(store: Store, why: str | None) -> None:
    found = doubt(store)
    assert found is None if why is None else found is not None and why in found


def test_a_record_of_a_later_epoch_or_of_another_event_denies_the_store() -> None:
    assert denial(heard(5), 1, 1) is None
    assert denial(lost(5), 1, 1) == "which its feed does not say"
    assert denial(lost(5, epoch=7), 7, 1) == "and its store is at epoch 1 only"
    assert denial(heard(5), 7, 1) == "and its store is at epoch 1 only"


@dataclass(frozen=True)
class Told:
    """A record."""

    word: Word
    offset: int | None = None


def test_the_latest_words_of_a_partition_are_the_furthest_though_a_twin_repeated_older_ones_after() -> None:
    far, repeated = Told(Link(Position(1, 9), Position(1, 8))), Told(Link(Position(1, 2), BEGINNING))
    beat, older = Told(Beat(Position(1, 9), 1)), Told(Beat(Position(1, 4), 1))
    assert latest([beat, far, repeated, older]) == [far, beat]


def test_what_was_said_in_a_later_epoch_is_looked_at_though_it_names_an_older_event() -> None:
    far, beat, older = (Told(Beat(Position(1, number), epoch)) for number, epoch in ((9, 1), (4, 2), (3, 2)))
    assert latest([beat, older, far]) == [far, older]
