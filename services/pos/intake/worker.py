"""The tills' door over Kafka: the topic `pos.intake`, whose records are requests that name their till.

What was taken is known by the till's own numbers, so a record may come as often as it likes; its offset is committed
after its transaction. A record that is no request goes into the quarantine, whole; one that the vault or a server keeps
from being taken is tried again until it is. Times are seconds.
"""

import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.pos.intake import rows
from services.pos.intake.book import Result, Settled, Verdict
from services.pos.intake.desk import Desk
from services.pos.intake.doors import Doors
from services.pos.intake.items import Door, Item, digest, read_items
from services.pos.intake.people import keep, name_of
from services.pos.intake.request import LARGEST_REQUEST, Request, read_request
from shared import telemetry, topics
from shared.batches import Batches
from shared.cloudevent import Record
from shared.errors import ContractBroken, Missing, Unavailable
from shared.failpoints import reached
from shared.faults import is_passing
from shared.http import Problem
from shared.message import Cause
from shared.running import Running, pause

MOST_AT_ONCE = 100
LONGEST_RETRY = 5.0
LOOK_EVERY = 5.0
OF_NO_TILL = ""

_log = structlog.get_logger()


async def intake(running: Running) -> None:
    """Take what tills write to Kafka until the service stops."""
    await _Intake(running).run()


class _Intake:
    def __init__(self, running: Running) -> None:
        self._running = running
        self._settings = running.settings
        self.topic = f"{self._settings.cell}.pos.intake"
        self._desk = running.one(Desk)
        group = f"{self._settings.cell}.pos.intake"
        self._batches = Batches(running, self.topic, group, self.hear, most_at_once=MOST_AT_ONCE)

    async def run(self) -> None:
        if not await self._topic_is_there():
            return
        try:
            await self._batches.start()
            while not self._running.stop.is_set():
                await pause(self._running, LOOK_EVERY)
                self._look()
        finally:
            await self._batches.stop()

    def _look(self) -> None:
        try:
            self._batches.check()
        except KafkaError as died:
            raise Unavailable(f"{self.topic}: {died}") from died

    async def hear(self, records: Any) -> None:  # FastStream would build a validator from a better type
        """Take the records in their order, and commit each one's offset when it is done. Never raises."""
        for record in records:
            if not await self._until_done(record):
                return
            place = TopicPartition(record.topic, record.partition)
            await reached("intake.record-done")
            with suppress(KafkaError):  # the partition may be another member's by now, which takes it again
                await self._batches.client.commit({place: record.offset + 1})

    async def _topic_is_there(self) -> bool:
        while not self._running.stop.is_set():
            try:
                await topics.ensure(self._settings, self.topic, self._running.handler.partitions)
                return True
            except Unavailable as down:
                _log.warning("unavailable", error=str(down))
                await pause(self._running, LONGEST_RETRY)
        return False

    async def _until_done(self, record: Record) -> bool:
        """Return whether the record is done; it is not when the service stops before."""
        act, attempt = self._take, 0
        while not self._running.stop.is_set():
            try:
                await act(record)
                return True
            except Exception as error:  # noqa: BLE001  a record that meets a bug must not hold up the others
                where = {"topic": record.topic, "part": record.partition, "offset": record.offset}
                if isinstance(error, Problem) or is_passing(error):
                    _log.warning("unavailable", **where, error=str(error))
                else:
                    _log.error("bug", alarm=True, **where, exc_info=error)
                    act = self._set_aside
            await pause(self._running, random.uniform(0.5, 1) * min(LONGEST_RETRY, 0.05 * 2**attempt))
            attempt += 1
        return False

    async def _take(self, record: Record) -> None:
        try:
            await self._take_request(record, *read_request(record.value or b""))
        except (ContractBroken, Missing) as unreadable:
            await self._set_aside(record, unreadable.code if isinstance(unreadable, Missing) else "malformed")

    async def _take_request(self, record: Record, till: str | None, items: list[Any]) -> None:
        till = till or OF_NO_TILL
        branch = await self._running.one(Doors).branch_of(till)
        header = next((value for name, value in record.headers if name == "traceparent" and value), b"").decode(
            "latin-1"
        )
        found = telemetry.parse(header)
        with telemetry.tracing(telemetry.CONSUME, header, topic=record.topic):
            trace_id = found[0] if found else telemetry.new_trace_id()
            at = f"{record.topic}/{record.partition}/{record.offset}"
            cause = Cause(trace_id, at, telemetry.traceparent(), f"till:{till}")
            door = Door(till, branch, self._desk.key, datetime.now(UTC), by_kafka=True)
            for start in range(0, len(items), LARGEST_REQUEST):
                read = read_items(door, items[start : start + LARGEST_REQUEST])
                await self._desk.take(Request(door, read, cause))

    async def _set_aside(self, record: Record, code: str = "internal") -> None:
        told = record.value or b""
        item = Item(OF_NO_TILL, None, told.decode("utf-8", "backslashreplace"), digest(self._desk.key, told))
        facts = {"topic": record.topic, "part": record.partition, "offset": record.offset}
        kept = await keep(self._running.peers, [item])
        async with self._running.pool.acquire() as tx:
            parked = Settled(item, Verdict(Result.PARKED, code, facts))
            await rows.set_aside(tx, [(None, parked, kept[name_of(item)])])
        _log.error("set aside", alarm=True, **facts, reason=code)
