"""A till that sends what its journal holds: late, twice, out of order, as its habits are; but all of it in the end."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from branchline.door import MOST_ITEMS, Door
from branchline.simulation.day import Habits
from branchline.simulation.journal import Entry, Journal

BATCHES = (1, 5, 50, MOST_ITEMS)
SHORT_NAP, LONG_NAP = 2.0, 20.0
KEPT_BACK = 3


@dataclass
class Till:
    """One till. Times are seconds; `finishing` lets it neither nap nor be away any more."""

    door: Door
    journal: Journal
    habits: Habits
    chance: Random
    news: asyncio.Event = field(default_factory=asyncio.Event)
    finishing: asyncio.Event = field(default_factory=asyncio.Event)
    away: bool = False

    def note(self, entry: Entry) -> None:
        """Write down what happened; it is sent when the till comes to it."""
        self.journal.write(entry)
        self.news.set()

    def finish(self) -> None:
        """Let the till send all that it has, and end."""
        self.finishing.set()
        self.news.set()

    async def run(self) -> None:
        """Send until all is answered and the till is finishing; raises like `Door.send`."""
        if self.habits.hours_away:
            await self._be_away(self.habits.back_after)
        while self.journal.waiting or not self.finishing.is_set():
            await self.news.wait()
            synced = await asyncio.to_thread(self.journal.sync)
            batch = self._choose(synced)
            if not batch:
                self._rest()
                continue
            await self._send(batch)
            if self.chance.random() < self.habits.repeats:
                await self._send(batch)
            if self.chance.random() < self.habits.naps:
                await self._be_away(self.chance.uniform(SHORT_NAP, LONG_NAP))

    def _rest(self) -> None:
        if not self.journal.waiting and not self.finishing.is_set():
            self.news.clear()

    def _choose(self, synced: int) -> list[tuple[int, Entry]]:
        """Return what to send next: what is on the disk and waits for nothing, mixed up where that is the habit."""
        unanswered = {entry.seq for entry in self.journal.waiting.values() if entry.after is None}
        ready = [
            (place, entry)
            for place, entry in self.journal.waiting.items()
            if place < synced and entry.after not in unanswered
        ]
        batch = ready[: self.chance.choice(BATCHES)]
        if self.chance.random() < self.habits.shuffles:
            self.chance.shuffle(batch)
            batch = batch[: max(1, len(batch) - len(batch) // KEPT_BACK)]
        return batch

    async def _send(self, batch: list[tuple[int, Entry]]) -> None:
        answers = await self.door.send([entry.item for _, entry in batch])
        for (place, _), answer in zip(batch, answers, strict=True):
            self.journal.answer(place, str(answer))

    async def _be_away(self, seconds: float) -> None:
        self.away = True
        try:
            await asyncio.wait_for(self.finishing.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self.away = False
