"""Gaps: a partition is read again from its row's offset, once; what Kafka has no more comes from the speaker's feed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from shared.applying import Applier, Gap, Stopping
from shared.catching_up import CatchingUp
from shared.channel import needed
from shared.running import CannotRun

_log = structlog.get_logger()


@dataclass
class Gaps:
    """The gaps of one consumer. `kafka` gives its client: a partition that is another member's by now is left alone."""

    applier: Applier
    kafka: Callable[[], Any]
    _sought: dict[int, int] = field(default_factory=dict)
    _filling: "dict[int, asyncio.Task[None]]" = field(default_factory=dict)

    def close(self, part: int, gap: Gap) -> None:
        """Do about a gap what has not been done; the partition waits while its feed is read, the others go on."""
        if part in self._filling:
            return
        wanted = gap.followed.place.next_offset
        if self._sought.get(part) != wanted:
            _log.info("gap: reading again", **self._named, part=part, offset=wanted)
            self._sought[part] = wanted
            self.seek(part, wanted)
            return
        _log.warning("gap: Kafka does not have it", **self._named, part=part, shown_by=gap.shown_by.word)
        with suppress(IllegalStateError):
            self.kafka().pause(self._place(part))
        self._filling[part] = asyncio.create_task(self._fill(part, gap))

    @property
    def are_being_filled(self) -> bool:
        """Return whether a partition waits while its feed is read."""
        return bool(self._filling)

    async def assigned(self, parts: set[int]) -> None:
        """Read on where the rows say. Kafka may begin elsewhere all the same: that shows, as a repeat or as a gap."""
        async with self.applier.running.pool.acquire() as tx:
            places = await self.applier.fence.places(tx)
        self._sought.clear()
        for part in parts & set(places):
            self.seek(part, places[part].next_offset)

    def seek(self, part: int, offset: int) -> None:
        """Read a partition from an offset."""
        with suppress(IllegalStateError):
            self.kafka().seek(self._place(part), offset)

    async def stop(self) -> None:
        """Leave what is being filled as it is."""
        tasks = list(self._filling.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill(self, part: int, gap: Gap) -> None:
        try:
            await CatchingUp(self.applier).fill(part, needed(gap.shown_by.word))
            async with self.applier.running.pool.acquire() as tx:
                place = (await self.applier.fence.places(tx))[part]
            self.seek(part, place.next_offset)
        except (Stopping, CannotRun):  # the consumer comes to the same
            return
        except Exception as error:  # it stays a gap, and is found again
            _log.error("gap: cannot be filled", alarm=True, **self._named, part=part, exc_info=error)
        finally:
            self._filling.pop(part, None)
            with suppress(IllegalStateError):
                self.kafka().resume(self._place(part))

    def _place(self, part: int) -> TopicPartition:
        return TopicPartition(self.applier.topic, part)

    @property
    def _named(self) -> dict[str, str]:
        return {"consumer": self.applier.consumer, "topic": self.applier.topic}
