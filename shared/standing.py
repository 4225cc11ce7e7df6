"""Standing still: a consumer whose speaker went back applies nothing, says so loudly, and looks again now and then."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from shared.applying import Applier
from shared.fence import SpeakerWentBack

_log = structlog.get_logger()


@dataclass
class Standing:
    """The partitions in which one consumer stands. A rebase of the speaker takes out of Kafka what halted it."""

    applier: Applier
    _parts: set[int] = field(default_factory=set)

    async def begin(self, parts: Iterable[int], error: SpeakerWentBack) -> None:
        """Note that these stand; raise Stopping when the service stops before that is kept."""
        named = {"consumer": self.applier.consumer, "topic": self.applier.topic}
        _log.error("the speaker went back", alarm=True, **named, error=str(error))
        self._parts.update(parts)
        await self.applier.patiently(lambda: self._mark(str(error)))

    async def end(self, parts: Iterable[int]) -> None:
        """Note what these partitions were told has been taken; raise Stopping like `begin`."""
        if self._parts:
            self._parts.difference_update(parts)
            if not self._parts:
                await self.applier.patiently(lambda: self._mark(None))

    async def _mark(self, cause: str | None) -> None:
        parking = self.applier.parking
        async with self.applier.running.pool.acquire() as tx:
            await (parking.halt(tx, cause) if cause else parking.go_on(tx))
