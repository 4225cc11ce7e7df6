"""The rules that a round keeps, and the planted variants: each leaves one of them out. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.channel import Verdict, Word, judge
from shared.message import Position
from tests.shared.forgetful import by_number, deaf_to_beats, unchained


@dataclass(frozen=True)
class Rules:
    """What the channel does; as given, all that the design asks for."""

    judge: Callable[[Position, Word], Verdict] = judge
    stores_epoch: bool = True
    stores_chain: bool = True
    fixes_key: bool = True
    reads_by_position: bool = True
    guards_all: bool = True
    takes_new_epoch: bool = True
    empties_kafka: bool = True
    finds_cut: bool = True
    names_epoch: bool = True
    tells_epoch: bool = True
    locks_redrive: bool = True
    keeps_natural_keys: bool = True


PLANTED = {
    "no predecessor check": Rules(judge=unchained),
    "no beat": Rules(judge=deaf_to_beats),
    "predecessor as a bare number": Rules(judge=by_number),
    "epoch stamped when sending": Rules(stores_epoch=False),
    "chain and publicness made when sending": Rules(stores_chain=False),
    "key not fixed": Rules(fixes_key=False),
    "feed read by number": Rules(reads_by_position=False),
    "guard only at the relay": Rules(guards_all=False),
    "epoch not unique": Rules(takes_new_epoch=False),
    "Kafka not emptied by a rebase": Rules(empties_kafka=False),
    "cut always at the head": Rules(finds_cut=False),
    "beats without the store's epoch": Rules(names_epoch=False),
    "epoch not told by a rebase": Rules(tells_epoch=False),
    "redrive without the row's lock": Rules(locks_redrive=False),
    "effects without natural keys": Rules(keeps_natural_keys=False),
}
