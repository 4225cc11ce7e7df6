"""What an operator does about a store that went back: the guard at its start, and the rebase. Pure."""

from collections.abc import Iterable, Iterator

from shared.channel import Link, said_in
from shared.message import Position
from shared.parting import Cut, Heard, denial, is_cut_off, latest, next_epoch
from tests.faults.model.kafka import Partition, Told
from tests.faults.model.listener import Listener
from tests.faults.model.rules import Rules
from tests.faults.model.store import Row, SpeakersStore

LOOK_BACK = 50


def may_start(store: SpeakersStore, topic: list[Partition]) -> bool:
    """Return whether the store is the one that spoke last, as far as its own start can see."""
    tails = [told for partition in topic for told in latest(partition.log[-LOOK_BACK:])]
    return not store.doubt() and not any(denial(_heard(store, told), said_in(told.word), store.epoch) for told in tails)


def rebase(rules: Rules, store: SpeakersStore, topic: list[Partition], listeners: Iterable[Listener], now: int) -> None:
    """Begin a new epoch at the cut."""
    cut = Cut(len(store.feed), store.epoch)
    for partition in topic:
        cut.kafka([*_all_heard(store, partition.log)])
        cut.words(told.word for told in partition.log)
    for listener in listeners:
        cut.listeners(
            Heard(last, store.says(last) or is_cut_off(last, store.epoch_at(last.number)))
            for last in listener.last.values()
        )
    at = cut.number if rules.finds_cut else len(store.feed)
    store.epoch = next_epoch(store.epoch, cut.newest, now) if rules.takes_new_epoch else store.epoch + 1
    store.fresh += [row.event for row in store.feed[at:]]
    del store.feed[at:]
    store.last_public = _last_public(store.feed)
    store.number_events()
    store.cursor, store.leader = at, store.leader + 1
    store.lived_in = store.is_in
    if rules.empties_kafka:
        for partition in topic:
            partition.lose_head(len(partition.log))
    if rules.tells_epoch:
        for part, beat in store.beats(at).items():
            topic[part].put(beat, None)


def _all_heard(store: SpeakersStore, log: Iterable[Told]) -> Iterator[Heard]:
    for told in log:
        yield _heard(store, told)
        if isinstance(told.word, Link):
            yield Heard(told.word.prev, store.says(told.word.prev))


def _heard(store: SpeakersStore, told: Told) -> Heard:
    return Heard(told.word.position, store.says(told.word.position, told.event))


def _last_public(feed: list[Row]) -> dict[int, Position]:
    return {row.event.part: row.link.position for row in feed if row.event.part is not None}
