"""The relay: takes a service's public events from its feed to Kafka, in feed order per partition. Times are seconds.

One process leads by a lease on the database's clock. Whoever thinks that it leads can only repeat what the feed says:
the cursor moves by compare-and-set on the leader and the page's start, after Kafka has acknowledged all of the page.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson
import structlog

from shared import telemetry
from shared.channel import first_break
from shared.cloudevent import Outgoing, outgoing, source_of
from shared.failpoints import reached
from shared.faults import is_passing
from shared.feed_page import Row, beats
from shared.feed_page import page as page_of
from shared.outlet import Outlet
from shared.running import Running, pause

PAGE = 2000
LEASE = 3.0  # renewed all the while; how long nothing is sent after its holder was killed
BEAT_EVERY = 10.0
LONGEST_PAUSE = 0.25  # where no sequencer of this process rings
STANDBY_LOOK = 1.0
SHORTEST_RETRY, LONGEST_RETRY = 0.01, 5.0
ALARM_AFTER = 30.0

_LEAD = """
UPDATE relay_cursor SET leader = leader + 1, lease_until = clock_timestamp() + make_interval(secs => $1)
WHERE relay = 'kafka' AND lease_until < clock_timestamp() RETURNING leader, number
"""
_MOVE = """
UPDATE relay_cursor SET number = $3, moved_at = clock_timestamp()
WHERE relay = 'kafka' AND leader = $1 AND number = $2
"""
_RENEW = """
UPDATE relay_cursor SET lease_until = clock_timestamp() + make_interval(secs => $2)
WHERE relay = 'kafka' AND leader = $1
"""
_LEAVE = "UPDATE relay_cursor SET lease_until = '-infinity' WHERE relay = 'kafka' AND leader = $1"
_log = structlog.get_logger()


class ChainBroken(Exception):
    """The feed's own chain has a hole: no consumer could follow it, so it is not sent."""


@dataclass(frozen=True)
class Led:
    """A lease: the leader's number, and the feed number up to which Kafka has everything."""

    leader: int
    number: int


@dataclass(frozen=True)
class Page:
    """Public events above `after`, up to `upto`; private ones lie between them."""

    after: int
    upto: int
    rows: Sequence[Row]

    @property
    def is_full(self) -> bool:
        """Return whether there may be more."""
        return self.upto - self.after >= PAGE


class Relay:
    """Takes pages of one service's feed to its topic. Each step may be done by any process at any time."""

    def __init__(self, running: Running, *, lease: float) -> None:
        self._running = running
        self.lease = lease
        self._speaker = running.service.name
        self._source = source_of(running.settings.cell, self._speaker)
        self.outlet = Outlet(running.settings, running.settings.topic(self._speaker))

    async def lead(self) -> Led | None:
        """Take the lease if it is free."""
        async with self._running.feed_pool.acquire() as tx:
            row = await tx.fetchrow(_LEAD, self.lease)
        return Led(row["leader"], row["number"]) if row else None

    async def renew(self, led: Led) -> bool:
        """Hold the lease for another while; return whether it is still this leader's."""
        async with self._running.feed_pool.acquire() as tx:
            return str(await tx.execute(_RENEW, led.leader, self.lease)) == "UPDATE 1"

    async def leave(self, led: Led) -> None:
        """Give the lease back, so that another need not wait for its end."""
        async with self._running.feed_pool.acquire() as tx:
            await tx.execute(_LEAVE, led.leader)

    async def read(self, after: int) -> Page:
        """Return the next page; its rows are empty when nothing public is new."""
        async with self._running.feed_pool.acquire() as tx:
            rows = await page_of(tx, after, PAGE)
        return Page(after, rows[-1]["number"] if rows else after, [row for row in rows if row["part"] is not None])

    async def deliver(self, page: Page) -> None:
        """Send a page and wait until Kafka has it; raise Unavailable when it may not, ChainBroken when it must not."""
        if not page.rows:
            return
        parts: dict[int, list[Row]] = defaultdict(list)
        for row in page.rows:
            parts[row["part"]].append(row)
        _check(parts)
        with telemetry.tracing_all(telemetry.RELAY, _traces(page.rows), events=len(page.rows)):
            await self.outlet.deliver({part: self._records(rows) for part, rows in parts.items()})
        telemetry.RELAYED.inc(len(page.rows))

    def _records(self, rows: Sequence[Row]) -> Iterator[Outgoing]:
        return (outgoing(row, self._speaker, self._source) for row in rows)

    async def move(self, led: Led, page: Page) -> Led | None:
        """Move the cursor to the page's end; none when another leads by now."""
        async with self._running.feed_pool.acquire() as tx:
            moved = await tx.execute(_MOVE, led.leader, page.after, page.upto)
        return Led(led.leader, page.upto) if moved == "UPDATE 1" else None

    async def beat(self, led: Led) -> None:
        """Tell every partition its last public event, so that a lost tail shows where nothing follows."""
        async with self._running.feed_pool.acquire() as tx:
            told = await beats(tx, led.number, self._source)
        await self.outlet.deliver(told)


async def relay(running: Running) -> None:
    """Relay whenever this process leads, until the service stops."""
    work = Relay(running, lease=LEASE)
    wait, failing_since = SHORTEST_RETRY, None
    try:
        while not running.stop.is_set():
            began = time.monotonic()
            try:
                led = await work.lead()
                await (_lead(running, work, led) if led else pause(running, STANDBY_LOOK))
            except Exception as error:
                if failing_since is None or time.monotonic() - began > ALARM_AFTER:
                    wait, failing_since = SHORTEST_RETRY, time.monotonic()
                is_long = time.monotonic() - failing_since > ALARM_AFTER
                line = _log.error if is_long or not is_passing(error) else _log.warning
                line(
                    "relay begins again",
                    alarm=is_long,
                    error=repr(error),
                    exc_info=None if is_passing(error) else error,
                )
                await pause(running, wait)
                wait = min(wait * 2, LONGEST_RETRY)
        await work.outlet.close()
    finally:
        await work.outlet.abandon()


async def _lead(running: Running, work: Relay, led: Led) -> None:
    """Lead until the service stops or another does, whatever is on its way; after an error anybody may, at once."""
    over, held = asyncio.Event(), asyncio.timeout(None)
    renewing = asyncio.create_task(_renew(work, led, over, held))
    try:
        async with held:
            await _while_leading(running, work, led)
    except TimeoutError:
        if not held.expired():
            raise
    finally:
        over.set()  # to cancel it is not enough: what it is at may swallow that, and the lease be held for ever
        await renewing
        with suppress(Exception):
            await work.leave(led)


async def _renew(work: Relay, led: Led, over: asyncio.Event, held: asyncio.Timeout) -> None:
    """Hold the lease until it is over; when another has taken it, end what is done under it."""
    is_held = True
    while is_held:
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), work.lease / 3)
        if over.is_set():
            return
        with suppress(Exception):
            is_held = await work.renew(led)
    if not over.is_set():
        held.reschedule(asyncio.get_running_loop().time())


async def _while_leading(running: Running, work: Relay, led: Led) -> None:
    ear = running.numbered.listen()
    beaten = 0.0
    now: Led | None = led
    ahead: asyncio.Task[Page] | None = None
    try:
        while now and not running.stop.is_set():
            led = now
            page = await (ahead or work.read(led.number))
            ahead = asyncio.create_task(work.read(page.upto)) if page.is_full else None
            if page.upto > page.after:
                await reached("relay.page-read")
                await work.deliver(page)
                await reached("relay.acknowledged")
                now = await work.move(led, page)
                await reached("relay.cursor-moved")
            if now and time.monotonic() - beaten > BEAT_EVERY:
                await work.beat(now)
                beaten = time.monotonic()
            if not page.is_full:
                await pause(running, LONGEST_PAUSE, ear)
    finally:
        if ahead:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


def _check(parts: Mapping[int, Sequence[Row]]) -> None:
    for part, rows in parts.items():
        broken = first_break(((row["epoch"], row["number"]), (row["prev_epoch"], row["prev_number"])) for row in rows)
        if broken:
            raise ChainBroken(f"partition {part} at {broken}")


def _traces(rows: Sequence[Row]) -> list[str | None]:
    return [orjson.loads(row["meta"]).get("traceparent") for row in rows if "traceparent" in row["meta"]]
