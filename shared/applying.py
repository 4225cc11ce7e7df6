"""What was heard, applied once: one transaction for fence rows, effect and what must wait. Pauses are seconds.

A fault that passes is waited out. One that stays is a poison record's: it is found by halving the batch, and its key is
parked. Where that would be more than MOST_PARKED keys the consumer halts: it is a bad deploy then, and no bad record.
"""

import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

import structlog

from shared import telemetry
from shared.channel import Followed, Link, Place, follow
from shared.cloudevent import Arrival
from shared.diverting import Diverted, divert
from shared.failpoints import reached
from shared.faults import is_passing
from shared.fence import Fence, SpeakerWentBack
from shared.message import Envelope, Vocabulary
from shared.parking import Parking
from shared.postgres import Tx
from shared.running import Bell, CannotRun, Running, pause

Result = TypeVar("Result")
Effect: TypeAlias = Callable[[Tx, Sequence[Envelope]], Awaitable[None]]
_Diverted: TypeAlias = Diverted[Arrival, Envelope]

MOST_PARKED = 5
SHORTEST, LONGEST = 0.05, 5.0
ALARM_AFTER = 30.0
HALTED_LOOK = 0.5

_log = structlog.get_logger()


class Stopping(Exception):
    """The part shall stop; nothing of what was in hand has been done."""


class _TooManyParked(Exception):
    pass


@dataclass(frozen=True)
class Gap:
    """A partition where something is missing: the place before it, and the arrival that shows it."""

    followed: Followed[Arrival]
    shown_by: Arrival


@dataclass(frozen=True)
class Applier:
    """Applies one speaker's events for one consumer; `bell` is rung after a commit."""

    running: Running
    consumer: str
    speaker: str
    vocabulary: Vocabulary
    effect: Effect
    bell: Bell | None = None

    @property
    def topic(self) -> str:
        """Return the topic that the fence rows name, wherever the events are read."""
        return self.running.settings.topic(self.speaker)

    @property
    def fence(self) -> Fence:
        """Return the consumer's rows."""
        return Fence(self.consumer, self.topic)

    @property
    def parking(self) -> Parking:
        """Return what waits for an operator."""
        return Parking(self.consumer, self.topic)

    async def take(self, arrivals: Sequence[Arrival]) -> dict[int, Gap]:
        """Apply what is new, in feed order; return the partitions with a gap. Arrivals of a partition are in its order.

        Returns when the rows have moved, however long that takes; raises Stopping when the service stops before, and
        CannotRun when nothing may be applied any more.
        """
        if not arrivals:
            return {}
        try:
            return await self._through(arrivals)
        except (Stopping, CannotRun, SpeakerWentBack):
            raise
        except Exception as error:
            if len(arrivals) == 1:
                return await self._park(arrivals, error)
        middle = len(arrivals) // 2
        gaps = await self.take(arrivals[:middle])
        return gaps | await self.take([a for a in arrivals[middle:] if a.part not in gaps])

    async def _park(self, arrivals: Sequence[Arrival], fault: Exception) -> dict[int, Gap]:
        """Put the one arrival at which the fault was found aside with its key; halt where that is one too many."""
        try:
            if isinstance(fault, _TooManyParked):
                raise fault
            return await self._through(arrivals, fault)
        except _TooManyParked as cause:
            await self._halt(str(cause))
            return await self.take(arrivals)

    async def _through(self, arrivals: Sequence[Arrival], fault: Exception | None = None) -> dict[int, Gap]:
        return await self.patiently(lambda: self._once(arrivals, fault))

    async def patiently(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Do something with Postgres, and again while a fault passes; raise Stopping when the service stops before."""
        wait, waited = SHORTEST, 0.0
        while True:
            try:
                return await act()
            except Exception as error:
                if not is_passing(error):
                    raise
                line = _log.error if waited >= ALARM_AFTER else _log.warning
                told = {"error": repr(error), "seconds": waited, "alarm": waited >= ALARM_AFTER}
                line("cannot apply yet", consumer=self.consumer, topic=self.topic, **told)
            await self._rest(wait * random.uniform(0.5, 1.0))
            waited, wait = waited + wait, min(wait * 2, LONGEST)

    async def _once(self, arrivals: Sequence[Arrival], fault: Exception | None) -> dict[int, Gap]:
        by_part: dict[int, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            by_part[arrival.part].append(arrival)
        async with self.running.pool.acquire() as tx, tx.transaction():
            places = await self.fence.lock(tx, by_part)
            await reached("consumer.locked")
            await self.fence.doubt(tx, {p: at for p, told in by_part.items() if (at := _known(places[p], told))})
            followed = {part: follow(places[part], told) for part, told in by_part.items()}
            fresh = sorted((a for f in followed.values() for a in f.fresh), key=lambda a: a.word.position)
            chosen = self._divert(fresh, await self.parking.keys(tx), fault)
            await self._apply(tx, chosen.events)
            await reached("consumer.applied")
            await self.parking.park(tx, chosen.causes)
            await self.parking.keep(tx, chosen.letters)
            await self.fence.move(tx, {p: f.place for p, f in followed.items() if f.place != places[p]})
            await reached("consumer.fence-moved")
        await reached("consumer.committed")
        if self.bell and chosen.events:
            self.bell.set()
        self._count(arrivals, followed, chosen)
        return {part: Gap(f, f.gap) for part, f in followed.items() if f.gap}

    def _divert(self, fresh: Sequence[Arrival], parked: set[str], fault: Exception | None) -> _Diverted:
        """Sort the arrivals; one that cannot be read parks its key, and so does the one at which `fault` was found."""

        def read(arrival: Arrival) -> Envelope | None:
            if fault:
                raise fault
            return arrival.read(self.vocabulary)

        chosen = divert(fresh, parked, read)
        if chosen.causes and len(parked) + len(chosen.causes) > MOST_PARKED:
            raise _TooManyParked(next(iter(chosen.causes.values())))
        return chosen

    async def _apply(self, tx: Tx, events: Sequence[Envelope]) -> None:
        if not events:
            return
        named = {"consumer": self.consumer, "topic": self.topic, "events": len(events)}
        with telemetry.tracing_all(telemetry.CONSUME, (e.cause.traceparent for e in events), **named):
            await self.effect(tx, events)

    def _count(self, arrivals: Sequence[Arrival], followed: Mapping[int, Followed[Arrival]], chosen: _Diverted) -> None:
        labels = (self.consumer, self.topic)
        fresh = sum(len(f.fresh) for f in followed.values())
        telemetry.CONSUMED.labels(*labels).inc(len(chosen.events))
        telemetry.SKIPPED.labels(*labels).inc(len(arrivals) - fresh)
        telemetry.PASSED_OVER.labels(*labels).inc(fresh - len(chosen.events) - len(chosen.letters))
        telemetry.GAPS.labels(*labels).inc(sum(f.gap is not None for f in followed.values()))
        for key, cause in chosen.causes.items():
            _log.error("parked", alarm=True, consumer=self.consumer, topic=self.topic, key=key, cause=cause)

    async def _halt(self, cause: str) -> None:
        """Stand still until an operator has made room, or a new deploy has restarted the service."""
        _log.error("halted", alarm=True, consumer=self.consumer, topic=self.topic, cause=cause)
        async with self.running.pool.acquire() as tx:
            await self.parking.halt(tx, cause)
        parked = MOST_PARKED
        while parked >= MOST_PARKED:
            await self._rest(HALTED_LOOK)
            async with self.running.pool.acquire() as tx:
                parked = len(await self.parking.keys(tx))
        async with self.running.pool.acquire() as tx:
            await self.parking.go_on(tx)

    async def _rest(self, seconds: float) -> None:
        await pause(self.running, seconds)
        if self.running.stop.is_set():
            raise Stopping


def _known(place: Place, told: Sequence[Arrival]) -> datetime | None:
    """Return when the newest event was recorded that a partition's place says is known."""
    known = (a.recorded_at for a in told if isinstance(a.word, Link) and a.word.position <= place.last)
    return max(known, default=None)
