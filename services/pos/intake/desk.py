"""The desk where requests wait: what waits is taken together, branch after branch, and too much is turned away.

Taking twenty tills' sales in one transaction costs little more than taking one's. While tills are here that come back
with days of sales, those that just sell have a line of their own. Times are seconds.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field

from services.pos.intake.book import Verdict
from services.pos.intake.request import Request
from services.pos.intake.taking import take
from services.pos.intake.turns import SHARED_TURN, Turns, Waiting
from shared.http import Problem
from shared.running import Running

CLERKS = 2  # while one asks the vault, the other writes
SMALL = 5  # items: what a till that sells has at once; whoever has more comes back
LONGEST_WAIT = 0.2  # expected of a request that is let in
WEIGHT = 0.2  # of the last turn in what is expected of the next


@dataclass(eq=False)
class _Visit:
    request: Request
    answer: "asyncio.Future[list[Verdict]]"
    verdicts: list[Verdict] = field(default_factory=list)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass
class Line:
    """Those who wait, and the clerks who take what they have, some of them at work."""

    clerks: int
    turns: Turns[_Visit] = field(default_factory=Turns)
    at_work: int = 0
    turn_lasts: float = 0.1  # expected, of SHARED_TURN items


class Desk:
    """The intake of a running service."""

    def __init__(self, running: Running) -> None:
        self.key = running.settings.key("intake")
        self._running = running
        self.line, self.quick = Line(CLERKS), Line(1)
        self.busy: set[str] = set()
        self._large = 0  # requests that are here, and have more than SMALL items

    def admit(self, branch: str, size: int) -> None:
        """Raise Problem when `size` items more of the branch cannot be taken soon."""
        line = self._line_of(size)
        wait = line.turns.ahead(branch, size) / SHARED_TURN * line.turn_lasts / line.clerks
        if wait > LONGEST_WAIT:
            raise Problem(503, "intake-full", waiting=line.turns.items, retry_after=math.ceil(wait))

    async def take(self, request: Request) -> list[Verdict]:
        """Return what became of each item, in order; raise Problem where nothing, or only the first, could be taken."""
        size = len(request.items)
        self.admit(request.branch, size)
        line, visit = self._line_of(size), _Visit(request, asyncio.get_running_loop().create_future())
        self._large += size > SMALL
        try:
            line.turns.put(Waiting(visit, request.branch, request.till, size))
            self._call(line)
            return await visit.answer
        finally:
            self._large -= size > SMALL

    def _line_of(self, size: int) -> Line:
        return self.quick if self._large and size <= SMALL else self.line

    def _call(self, line: Line) -> None:
        if line.at_work < line.clerks:
            line.at_work += 1
            # a clerk works for many: it has no trace of its own
            task = asyncio.get_running_loop().create_task(self._work(line), context=Context())
            self._running.queues.tasks.add(task)
            task.add_done_callback(self._running.queues.tasks.discard)

    async def _work(self, line: Line) -> None:
        try:
            while turn := line.turns.next(self.busy):
                tills = {one.till for one, _ in turn}
                self.busy |= tills
                began = time.monotonic()
                try:
                    await self._serve(turn)
                finally:
                    self.busy -= tills
                    other = self.quick if line is self.line else self.line
                    if other.turns.items:  # of a till, perhaps, that was busy
                        self._call(other)
                size = max(1.0, sum(share for _, share in turn) / SHARED_TURN)
                line.turn_lasts += WEIGHT * ((time.monotonic() - began) / size - line.turn_lasts)
        finally:
            line.at_work -= 1

    async def _serve(self, turn: Sequence[tuple[Waiting[_Visit], int]]) -> None:
        visits = [one.what for one, _ in turn if not one.what.answer.done()]
        pieces = [_piece(one, share) for one, share in turn if not one.what.answer.done()]
        for visit, taken in zip(visits, await self._taken(pieces), strict=True):
            if isinstance(taken, Exception):
                visit.fail(taken)
                continue
            visit.verdicts += taken
            if len(visit.verdicts) == len(visit.request.items) and not visit.answer.done():
                visit.answer.set_result(visit.verdicts)

    async def _taken(self, pieces: Sequence[Request]) -> Sequence[list[Verdict] | Exception]:
        """Take the pieces together; where that fails, each by itself, so that it fails alone."""
        if not pieces:
            return []
        [taken] = await asyncio.gather(take(self._running, pieces), return_exceptions=True)
        if isinstance(taken, list):
            return taken
        if isinstance(taken, Exception) and len(pieces) > 1:
            return [one for piece in pieces for one in await self._taken([piece])]
        if isinstance(taken, Exception):
            return [taken]
        raise taken


def _piece(one: Waiting[_Visit], share: int) -> Request:
    request = one.what.request
    return Request(request.door, request.items[one.taken - share : one.taken], request.cause)
