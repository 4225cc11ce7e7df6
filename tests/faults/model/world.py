"""The world of a round: a speaker, its topic and its listeners, taken through steps that chance chooses. Pure."""

from random import Random
from typing import NamedTuple

from tests.faults.model.kafka import Partition
from tests.faults.model.listener import Listener
from tests.faults.model.member import Member
from tests.faults.model.rebasing import may_start, rebase
from tests.faults.model.relay import Relay
from tests.faults.model.rules import Rules
from tests.faults.model.store import PARTITIONS, SpeakersStore

STEPS = 2500
MOST_TURNS = 150
POISON = 0.012  # of the events


class Group(NamedTuple):
    """A listener, its processes, and the step at which it is born."""

    listener: Listener
    members: list[Member]
    born_at: int


class World:
    """Everything there is."""

    def __init__(self, rules: Rules, rng: Random) -> None:
        self.rules, self.rng, self.now = rules, rng, 0
        self.topic = [Partition() for _ in range(PARTITIONS)]
        self.store = SpeakersStore(rules, rng)
        self.relays = [Relay(rules, rng, self.store, self.topic) for _ in range(2)]
        self.groups = [self._group(rng.randrange(400, 1800) if n == 1 else 0) for n in range(rng.randint(2, 4))]
        self.is_refused = False
        self.kafka_lost_at = -1

    def _group(self, born_at: int) -> Group:
        listener = Listener(self.rules)
        members = [Member(self.rng, listener, self.store, self.topic) for _ in range(self.rng.randint(1, 2))]
        group = Group(listener, members, born_at)
        self.rebalance(group)
        return group

    @property
    def writes(self) -> bool:
        """Return whether the speaker takes anything in."""
        return not self.is_refused or not self.rules.guards_all

    def append(self) -> None:
        """Let the speaker append; some events will meet a bug at a listener."""
        if self.writes:
            for event in self.store.append():
                if self.rng.random() < POISON:
                    self.rng.choice(self.groups).listener.poison.add(event.uid)

    def number(self) -> None:
        """Let the speaker number what is committed."""
        if self.writes:
            self.store.number_events()
            if self.rng.random() < 0.3:
                self.store.end_transactions()

    def relay(self) -> None:
        """Let a relay do something."""
        if not self.is_refused:
            self.rng.choice(self.relays).step(self.now)

    def consume(self) -> None:
        """Let a listener's process do something."""
        group = self.rng.choice(self.groups)
        if self.now >= group.born_at:
            self.rng.choice(group.members).step(self.now, is_open=not self.is_refused)

    def rebalance(self, group: Group) -> None:
        """Share the partitions among the processes that answer."""
        awake = [member for member in group.members if member.sleeps_until <= self.now]
        self.rng.shuffle(awake)
        for member in group.members:
            member.assign([])
        for n, member in enumerate(awake):
            member.assign([*range(n, PARTITIONS, len(awake))])

    def start_speaker(self) -> None:
        """Start all of the speaker's processes, if its store may speak."""
        for relay in self.relays:
            relay.die()
        self.is_refused = not may_start(self.store, self.topic)

    def rebase(self) -> None:
        """Let an operator mend a store that went back."""
        if self.is_refused:
            listeners = [group.listener for group in self.groups if group.listener.rows]
            rebase(self.rules, self.store, self.topic, listeners, self.now)
            self.start_speaker()
            assert not self.is_refused, "a rebase that did not help"

    def heal(self) -> None:
        """Let everything work until all has been heard, or nothing more comes of it."""
        self.rebase()
        self.store.end_transactions()
        for group in self.groups:
            group.listener.poison.clear()
            for member in group.members:
                member.sleeps_until = 0
            self.rebalance(group)
        for relay in self.relays:
            relay.sleeps_until = 0
        for _ in range(MOST_TURNS):
            self._turn()
            if self._is_all_heard():
                return

    def _turn(self) -> None:
        self.store.number_events()
        self.now += 20
        for relay in self.relays:
            for _ in range(12):
                relay.step(self.now)
            relay.beat(self.now)
        for group in self.groups:
            for member in group.members:
                for _ in range(16):
                    member.step(self.now, is_open=True)
            for _ in range(2 * sum(map(len, group.listener.letters.values()))):
                group.listener.redrive()

    def _is_all_heard(self) -> bool:
        last_public, is_sent = self.store.last_public, self.store.cursor == len(self.store.feed)
        return is_sent and all(
            not group.listener.letters
            and group.listener.rows
            and all(group.listener.rows[part].last >= last for part, last in last_public.items())
            for group in self.groups
        )
