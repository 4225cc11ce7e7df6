"""One round: the weather, the healing, and what is wrong then. A round is given by its number alone. Pure."""

from collections import Counter
from collections.abc import Iterable
from random import Random
from unittest.mock import patch

from shared import channel
from tests.faults.model.listener import Listener
from tests.faults.model.rules import Rules
from tests.faults.model.store import SpeakersStore
from tests.faults.model.weather import Weather
from tests.faults.model.world import STEPS, World


def bad_rounds(rules: Rules, seeds: Iterable[int]) -> list[int]:
    """Return the seeds at which something is wrong."""
    return [seed for seed in seeds if wrongs(seed, rules)]


def wrongs(seed: int, rules: Rules) -> list[str]:
    """Play a round; return a sentence for each thing that is wrong at its end."""
    world = World(rules, Random(seed))
    with patch.object(channel, "judge", rules.judge):
        try:
            Weather(world).blow(STEPS)
            world.heal()
        except AssertionError as loud:
            return [str(loud)]
    return [
        f"listener {n}: {wrong}"
        for n, group in enumerate(world.groups)
        for wrong in _wrongs(world.store, group.listener)
    ]


def _wrongs(store: SpeakersStore, listener: Listener) -> list[str]:
    """Compare what a listener applied with what the store says in the end; what a restore has lost is not asked."""
    said = {row.event.uid for row in store.feed if row.event.part is not None}
    applied = Counter(event.uid for event in listener.log if event.uid in said)
    found = []
    if missing := said - applied.keys():
        found.append(f"{len(missing)} never applied, the first {min(missing)}")
    if twice := [uid for uid, times in applied.items() if times > 1]:
        found.append(f"{len(twice)} applied twice, the first {min(twice)}")
    version: dict[int, int] = {}
    for event in listener.log:
        if event.uid in said:
            if event.version < version.get(event.stream, 0):
                found.append(f"stream {event.stream} out of order at {event.uid}")
                break
            version[event.stream] = event.version
    if listener.letters:
        found.append(f"keys that wait: {sorted(listener.letters)}")
    return found
