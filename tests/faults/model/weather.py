"""What happens in a round, and how often: the work, and the faults. Pure."""

from collections.abc import Callable
from itertools import accumulate

from shared.parting import Server
from tests.faults.model.listener import Kept as KeptListener
from tests.faults.model.store import Kept
from tests.faults.model.world import Group, World

LONGEST_SLEEP = 150  # steps
MOST_COPIES = 4


class Weather:
    """Chooses a round's steps."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, world.rng
        self._copies: list[Kept] = [world.store.keep(0)]
        self._listeners: list[tuple[Group, KeptListener]] = []
        self._servers = 1
        self._chances: tuple[tuple[int, Callable[[], None]], ...] = (
            (2500, world.append),
            (1000, world.number),
            (2400, world.relay),
            (3800, world.consume),
            (25, world.rebase),
            (30, self.copy_store),
            (30, self.copy_listener),
            (200, self.redrive),
            (25, self.mend),
            (12, self.relay_dies),
            (12, self.relay_sleeps),
            (12, self.member_dies),
            (12, self.member_sleeps),
            (25, self.rebalance),
            (8, self.wrong_offset),
            (10, self.tail_lost),
            (5, self.head_lost),
            (3, self.wiped),
            (6, self.store_restored),
            (6, self.store_restored_twice),
            (6, self.listener_restored),
        )

    def blow(self, steps: int) -> None:
        """Take the world through its steps."""
        world = self._world
        acts = [act for _, act in self._chances]
        weights = [*accumulate(weight for weight, _ in self._chances)]
        for act in self._rng.choices(acts, cum_weights=weights, k=steps):
            world.now += 1
            act()

    def copy_store(self) -> None:
        """Make a backup of the speaker's store; some older ones are kept."""
        if not self._world.is_refused:
            self._copies.append(self._world.store.keep(self._world.now))
            if len(self._copies) > MOST_COPIES:
                self._copies.pop(self._rng.randrange(MOST_COPIES))

    def copy_listener(self) -> None:
        """Make a backup of a listener."""
        group = self._rng.choice(self._world.groups)
        if group.listener.rows:
            self._listeners = [*self._listeners[-2:], (group, group.listener.keep())]

    def redrive(self) -> None:
        """Let an operator redrive a listener's letters."""
        self._rng.choice(self._world.groups).listener.redrive()

    def mend(self) -> None:
        """Deploy a listener whose bugs are mended."""
        self._rng.choice(self._world.groups).listener.poison.clear()

    def relay_dies(self) -> None:
        """Kill a relay."""
        self._rng.choice(self._world.relays).die()

    def relay_sleeps(self) -> None:
        """Stop a relay for longer than its lease: it will be a zombie."""
        self._rng.choice(self._world.relays).sleeps_until = self._world.now + self._rng.randrange(LONGEST_SLEEP)

    def member_dies(self) -> None:
        """Kill a listener's process."""
        group = self._rng.choice(self._world.groups)
        self._rng.choice(group.members).die()
        self._world.rebalance(group)

    def member_sleeps(self) -> None:
        """Stop a listener's process with what it has in hand; others get its partitions."""
        group = self._rng.choice(self._world.groups)
        self._rng.choice(group.members).sleeps_until = self._world.now + self._rng.randrange(LONGEST_SLEEP)
        self._world.rebalance(group)

    def rebalance(self) -> None:
        """Let a group share its partitions again."""
        self._world.rebalance(self._rng.choice(self._world.groups))

    def wrong_offset(self) -> None:
        """Let a process read from anywhere."""
        member = self._rng.choice(self._rng.choice(self._world.groups).members)
        for part in member.parts:
            member.offsets[part] = self._rng.randrange(self._world.topic[part].end + 5)

    def tail_lost(self) -> None:
        """Let a partition lose its last records."""
        partition = self._rng.choice(self._world.topic)
        partition.lose_tail(self._rng.randint(0, min(len(partition.log), 25)))
        self._world.kafka_lost_at = self._world.now

    def head_lost(self) -> None:
        """Let a partition lose its first records."""
        partition = self._rng.choice(self._world.topic)
        partition.lose_head(self._rng.randint(0, len(partition.log)))
        self._world.kafka_lost_at = self._world.now

    def wiped(self) -> None:
        """Let Kafka be made anew."""
        for partition in self._world.topic:
            partition.wipe()
        self._world.kafka_lost_at = self._world.now

    def store_restored(self) -> None:
        """Restore the speaker's store, maybe after a disaster that took Kafka too."""
        self._restore(self._rng.choice(self._copies), is_moved=self._rng.random() < 0.7)

    def store_restored_twice(self) -> None:
        """Restore the speaker's store, rebase it, and soon restore the same copy once more."""
        kept = self._rng.choice(self._copies)
        for _ in range(2):
            self._restore(kept, is_moved=False)
            self._world.rebase()
            for _ in range(self._rng.randrange(20)):
                self._world.relay()

    def _restore(self, kept: Kept, *, is_moved: bool) -> None:
        """Be a copy again.

        A copy of its disk is the same server again: then only Kafka can tell, so it must have lost nothing meanwhile.
        A rebase empties it, and leaves what tells: the copy may be of a life that a rebase has ended. Where Kafka had
        heard nothing since, the epoch goes on, and nobody may come back to a copy of the life that it leaves.
        """
        is_in = self._world.store.is_in
        if is_moved or kept.at <= self._world.kafka_lost_at:
            self._servers += 1
            is_in = Server(1, self._servers)
            if self._rng.random() < 0.3:
                self.wiped()
        self._world.store.restore(kept, is_in)
        self._world.start_speaker()
        if not self._world.is_refused:
            self._copies = [copy for copy in self._copies if copy.at <= kept.at]

    def listener_restored(self) -> None:
        """Restore a listener; its processes were stopped for it."""
        if self._listeners:
            group, kept = self._rng.choice(self._listeners)
            group.listener.restore(kept)
            for member in group.members:
                member.die()
            self._world.rebalance(group)
