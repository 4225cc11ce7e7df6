"""A consumer catches up from the speaker's feed over HTTP: at birth, and where Kafka has a hole. Pauses are seconds."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import structlog

from shared import topics
from shared.applying import ALARM_AFTER, LONGEST, SHORTEST, Applier, Stopping
from shared.channel import Place, Reached, read_position, write_position
from shared.cloudevent import Arrival, line_arrival, source_of
from shared.errors import Unavailable
from shared.failpoints import reached
from shared.message import BEGINNING, Position
from shared.parting import is_cut_off
from shared.peer import PeerRefused
from shared.running import CannotRun, StartFrom, pause

PAGE = 2000

_log = structlog.get_logger()


class NotPlaced(CannotRun):
    """A consumer has no row and was not told where to begin, or its rows do not fit the topic."""


@dataclass(frozen=True)
class Page:
    """What came after some position in a speaker's feed, in feed order; the last page of a feed is not full."""

    arrivals: Sequence[Arrival]
    is_last: bool


@dataclass(frozen=True)
class CatchingUp:
    """Reads one speaker's feed for one consumer, by the same rules and rows as what comes from Kafka."""

    applier: Applier

    async def be_placed(self, start_from: StartFrom | None) -> None:
        """Give a new consumer its rows, and read the feed through if it starts from the beginning. Raises NotPlaced.

        Where Kafka ends is noted first: what is said while the feed is read is in both, and skipped the second time.
        """
        running, fence = self.applier.running, self.applier.fence
        partitions = await self._partitions()
        async with running.pool.acquire() as tx:
            places = await fence.places(tx)
        if len(places) == partitions:
            return
        if places:
            raise NotPlaced(
                f"{fence.consumer} has {len(places)} rows for the {partitions} partitions of {fence.topic}."
            )
        if start_from is None:
            raise NotPlaced(
                f"{fence.consumer} has never heard {fence.topic}: start it with --from beginning, or --from now."
            )
        ends = await topics.ends(running.settings, fence.topic, partitions)
        last = BEGINNING if start_from == "beginning" else await self._cursor()
        async with running.pool.acquire() as tx, tx.transaction():
            await fence.place(tx, {part: Place(last, end) for part, end in ends.items()})
            await reached("consumer.placed")
        if start_from == "beginning":
            await self.catch_up()

    async def catch_up(self) -> None:
        """Read the feed from the place that is furthest behind to where the speaker's relay is now."""
        async with self.applier.running.pool.acquire() as tx:
            places = await self.applier.fence.places(tx)
        after = min(place.last for place in places.values())
        async for page in self._pages(after):
            if not page.arrivals:
                return
            end = page.arrivals[-1]
            await self.applier.take([*page.arrivals, *(_reached(end, part) for part in places)])
            await reached("catching-up.page-taken")

    async def fill(self, part: int, wanted: Position) -> None:
        """Read what is missing in a partition, until `wanted` has been applied; it may still be on its way."""
        wait, waited = SHORTEST, 0.0
        last = await self._last(part)
        while last < wanted:
            async for page in self._pages(last, part):
                await self.applier.take(page.arrivals)
                await reached("gap.page-taken")
            before, last = last, await self._last(part)
            if last > before:
                wait, waited = SHORTEST, 0.0
                continue
            if is_cut_off(wanted, int(await self._header("feed-epoch"))):
                return  # a rebase has taken it out of the feed, which has no more to give here
            line = _log.error if waited >= ALARM_AFTER else _log.info
            told = {"part": part, "wanted": wanted, "seconds": waited, "alarm": waited >= ALARM_AFTER}
            line("the feed does not fill the gap yet", **self._named, **told)
            await self._rest(wait)
            waited, wait = waited + wait, min(wait * 2, LONGEST)

    async def _last(self, part: int) -> Position:
        async with self.applier.running.pool.acquire() as tx:
            return (await self.applier.fence.places(tx))[part].last

    @property
    def _named(self) -> dict[str, str]:
        return {"consumer": self.applier.consumer, "topic": self.applier.topic}

    async def _pages(self, after: Position, part: int | None = None) -> AsyncIterator[Page]:
        """Give the feed's pages up to its end, waiting for the speaker to answer where it does not."""
        is_last = False
        while not is_last:
            page = await self._patiently(after, part)
            after = page.arrivals[-1].word.position if page.arrivals else after
            is_last = page.is_last
            yield page

    async def _patiently(self, after: Position, part: int | None) -> Page:
        wait, waited = SHORTEST, 0.0
        while True:
            try:
                return await self._read(after, part)
            except (Unavailable, PeerRefused) as error:
                line = _log.error if waited >= ALARM_AFTER else _log.warning
                told = {"error": str(error), "seconds": waited, "alarm": waited >= ALARM_AFTER}
                line("the speaker's feed cannot be read", **self._named, **told)
            await self._rest(wait)
            waited, wait = waited + wait, min(wait * 2, LONGEST)

    async def _read(self, after: Position, part: int | None) -> Page:
        applier = self.applier
        source = source_of(applier.running.settings.cell, applier.speaker)
        path = f"/v1/feed?after={write_position(after)}&limit={PAGE}" + ("" if part is None else f"&part={part}")
        lines = applier.running.peers.lines(applier.speaker, path)
        arrivals = [line_arrival(line, source) async for line in lines]
        return Page(arrivals, len(arrivals) < PAGE)

    async def _cursor(self) -> Position:
        """Return how far the speaker's relay is."""
        return read_position(await self._header("feed-cursor"))

    async def _header(self, name: str) -> str:
        """Return what the feed says of itself."""
        while True:
            try:
                async with self.applier.running.peers.stream(self.applier.speaker, "/v1/feed?limit=0") as answer:
                    return str(answer.headers[name])
            except (Unavailable, PeerRefused) as error:
                _log.warning("the speaker's feed cannot be read", **self._named, error=str(error))
            await self._rest(SHORTEST)

    async def _partitions(self) -> int:
        """Return how many partitions the topic has, once its speaker has made it."""
        while not (found := await topics.partitions(self.applier.running.settings, self.applier.topic)):
            _log.info("the topic is not there yet", **self._named)
            await self._rest(1.0)
        return found

    async def _rest(self, seconds: float) -> None:
        await pause(self.applier.running, seconds)
        if self.applier.running.stop.is_set():
            raise Stopping


def _reached(end: Arrival, part: int) -> Arrival:
    return Arrival(Reached(end.word.position), part, None, "", {}, b"", end.recorded_at)
