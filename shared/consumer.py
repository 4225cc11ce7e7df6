"""A consumer of a speaker's topic: it takes Kafka's batches, and rows in Postgres say what is new. Times are seconds.

`applying` decides what is new, what is parked and when to halt. Kafka's committed offsets only serve lag dashboards.
The handler never raises: what it could not do, it has not moved.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared import telemetry
from shared.applying import LONGEST, SHORTEST, Applier, Effect, Stopping
from shared.batches import Batches
from shared.catching_up import CatchingUp
from shared.cloudevent import Arrival, Foreign, Record, arrival, passed_by, source_of
from shared.failpoints import reached
from shared.faults import is_passing
from shared.fence import SpeakerWentBack
from shared.gaps import Gaps
from shared.message import Vocabulary
from shared.running import Bell, CannotRun, Running, pause
from shared.standing import Standing

MOST_AT_ONCE = 500
COMMIT_EVERY = 5.0
SILENT_AFTER = 30.0  # a speaker that lives beats every ten seconds
LOOK_EVERY = 5.0
KAFKA_ANSWERS_WITHIN = 1.0

_log = structlog.get_logger()


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """Applies a speaker's events, each once and in its key's order, with `effect` in the fence rows' transaction."""

    def __init__(
        self,
        running: Running,
        name: str,
        speaker: str,
        vocabulary: Vocabulary,
        effect: Effect,
        *,
        most_at_once: int = MOST_AT_ONCE,
        bell: Bell | None = None,
    ) -> None:
        self.applier = Applier(running, name, speaker, vocabulary, effect, bell)
        self._running = running
        self._source = source_of(running.settings.cell, speaker)
        self._standing = Standing(self.applier)
        self._gaps = Gaps(self.applier, lambda: self._kafka)
        self._most_at_once = most_at_once
        self._heard_at = self._committed_at = time.monotonic()
        self._batches: Batches | None = None
        self._in_hand: datetime | None = None
        self._applying: asyncio.Task[None] | None = None
        # FastStream's own names the batch, and whatever sets a timer while it is applied would keep it in memory
        self._context = copy_context()
        self._set_back: set[int] = set()
        self._is_over = False
        self._gone: CannotRun | None = None

    @property
    def name(self) -> str:
        """Return the name of its rows."""
        return self.applier.consumer

    @property
    def topic(self) -> str:
        """Return the topic it reads."""
        return self.applier.topic

    @property
    def behind_since(self) -> datetime | None:
        """Return when the oldest record of the batch in hand was recorded; none while there is nothing to do."""
        return self._in_hand

    async def ends(self) -> Mapping[int, int]:
        """Return where Kafka ends, by partition of those that this process reads; none when it does not say."""
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(KAFKA_ANSWERS_WITHIN):
                ends = await self._kafka.end_offsets(list(self._kafka.assignment()))
                return {place.partition: end for place, end in ends.items()}
        return {}

    async def run(self) -> None:
        """Hear the speaker until the service stops; raise CannotRun when it may apply nothing, or not begin."""
        wait = SHORTEST
        while not self._running.stop.is_set():
            try:
                await CatchingUp(self.applier).be_placed(self._running.start_from)
                await self._listen()
            except Stopping:
                return
            except Exception as error:
                if not isinstance(error, KafkaError) and not is_passing(error):
                    raise
                _log.warning("cannot hear yet", **self._named, error=repr(error))
                await pause(self._running, wait)
                wait = min(wait * 2, LONGEST)

    async def _listen(self) -> None:
        group = f"{self._running.settings.cell}.{self.applier.consumer}.{self.applier.speaker}"
        self._batches = batches = Batches(
            self._running, self.topic, group, self.hear, most_at_once=self._most_at_once, listener=self
        )
        self._is_over, self._heard_at = False, time.monotonic()
        try:
            async with self._running.pool.acquire() as tx:
                await self.applier.parking.go_on(tx)
            await batches.start()
            self._running.hearers.append(self)
            await self._watch(batches)
        finally:
            with suppress(ValueError):
                self._running.hearers.remove(self)
            await self._gaps.stop()
            self._is_over = True
            await self.settle()
            await batches.stop()

    async def _watch(self, batches: Batches) -> None:
        while not self._running.stop.is_set():
            await pause(self._running, LOOK_EVERY)
            if self._gone:
                raise self._gone
            batches.check()
            if batches.has_no_part or self._gaps.are_being_filled or (self._applying and not self._applying.done()):
                self._heard_at = time.monotonic()
            if (silent := time.monotonic() - self._heard_at) > SILENT_AFTER:
                _log.error("nothing heard, not even a beat", alarm=True, **self._named, seconds=round(silent))
                raise KafkaError("nothing was heard, not even a beat")

    async def hear(self, records: Any) -> None:  # FastStream would build a validator from a better type
        """Read a batch while the one before is being applied, then leave it to be applied. Never raises."""
        self._heard_at = time.monotonic()
        is_ahead = self._applying is not None and not self._applying.done()
        try:
            arrivals, foreign = self._read(records)
        except Exception as error:
            await self.settle()
            await self._begin_again(records, error)
            return
        await self.settle()
        if is_ahead:  # what was fetched before a partition was set back is void
            arrivals = [arrival for arrival in arrivals if arrival.part not in self._set_back]
        if not self._is_over:
            applying = self._apply(records, arrivals, foreign)
            self._applying = asyncio.create_task(applying, context=self._context.copy())

    async def settle(self) -> None:
        """Wait until what is in hand has been applied."""
        if self._applying:
            await self._applying

    def _read(self, records: Sequence[Record]) -> tuple[list[Arrival], list[tuple[Record, str]]]:
        arrivals, foreign = [], []
        for record in records:
            try:
                arrivals.append(arrival(record, self._source))
            except Foreign as reason:
                foreign.append((record, str(reason)))
                arrivals.append(passed_by(record))
        for one in arrivals:
            one.prepare(self.applier.vocabulary)
        return arrivals, foreign

    async def _apply(
        self, records: Sequence[Record], arrivals: Sequence[Arrival], foreign: Sequence[tuple[Record, str]]
    ) -> None:
        """Apply a batch, and note the partitions that were set back."""
        self._in_hand = datetime.fromtimestamp(min(record.timestamp for record in records) / 1000, UTC)
        self._set_back = {record.partition for record in records}
        try:
            await reached("consumer.batch")
            for record, reason in foreign:
                await self.applier.patiently(partial(self._set_aside, record, reason))
            gaps = await self.applier.take(arrivals)
            for part, gap in gaps.items():
                self._gaps.close(part, gap)
            self._set_back = set(gaps)
            self._in_hand = None if not gaps else self._in_hand
            await self._standing.end(arrival.part for arrival in arrivals)
            await self._commit_lazily()
        except Stopping:
            return
        except SpeakerWentBack as error:
            with suppress(Stopping):
                await self._standing.begin({record.partition for record in records}, error)
                await self._look_again(records)
        except CannotRun as error:  # a swap, or a rebase, has taken the rows of views or the views themselves
            self._gone = error
        except Exception as error:
            await self._begin_again(records, error)

    async def _begin_again(self, records: Sequence[Record], bug: Exception) -> None:
        _log.error("bug", alarm=True, **self._named, exc_info=bug)
        await self._look_again(records)

    async def _look_again(self, records: Sequence[Record]) -> None:
        await pause(self._running, LOOK_EVERY)
        for record in reversed(records):  # the rows have not moved past what was not done
            self._gaps.seek(record.partition, record.offset)

    async def _set_aside(self, record: Record, reason: str) -> None:
        async with self._running.pool.acquire() as tx:
            if not await self.applier.parking.set_aside(tx, record, reason):
                return
        place = {"part": record.partition, "offset": record.offset}
        _log.error("set aside", alarm=True, **self._named, **place, reason=reason)
        telemetry.SET_ASIDE.labels(self.applier.consumer, self.applier.topic).inc()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Read on where the rows say."""
        await self._gaps.assigned({place.partition for place in assigned})

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Commit nothing: what is in hand is applied if the rows allow it."""

    async def _commit_lazily(self) -> None:
        if time.monotonic() - self._committed_at < COMMIT_EVERY:
            return
        self._committed_at = time.monotonic()
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(KAFKA_ANSWERS_WITHIN):
                await self._kafka.commit()
                await reached("consumer.offsets-committed")

    @property
    def _kafka(self) -> Any:
        assert self._batches
        return self._batches.client

    @property
    def _named(self) -> dict[str, str]:
        return {"consumer": self.applier.consumer, "topic": self.applier.topic}
