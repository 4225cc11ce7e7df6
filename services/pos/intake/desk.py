"""The desk where requests wait: what waits is taken together, branch after branch, and too much is turned away.

Taking twenty tills' sales in one transaction costs little more than taking one's. Times are seconds.
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


class Desk:
    """The intake of a running service."""

    def __init__(self, running: Running) -> None:
        self.key = running.settings.key("intake")
        self._running = running
        self.turns: Turns[_Visit] = Turns()
        self.busy: set[str] = set()
        self._clerks = 0
        self._turn_lasts = 0.1  # expected, of SHARED_TURN items

    def admit(self, branch: str, size: int) -> None:
        """Raise Problem when `size` items more of the branch cannot be taken soon."""
        wait = self.turns.ahead(branch, size) / SHARED_TURN * self._turn_lasts / CLERKS
        if wait > LONGEST_WAIT:
            raise Problem(503, "intake-full", waiting=self.turns.items, retry_after=math.ceil(wait))

    async def take(self, request: Request) -> list[Verdict]:
        """Return what became of each item, in order; raise Problem where nothing, or only the first, could be taken."""
        self.admit(request.branch, len(request.items))
        loop = asyncio.get_running_loop()
        visit = _Visit(request, loop.create_future())
        self.turns.put(Waiting(visit, request.branch, request.till, len(request.items)))
        self._call()
        return await visit.answer

    def _call(self) -> None:
        if self._clerks < CLERKS:
            self._clerks += 1
            # a clerk works for many: it has no trace of its own
            task = asyncio.get_running_loop().create_task(self._work(), context=Context())
            self._running.queues.tasks.add(task)
            task.add_done_callback(self._running.queues.tasks.discard)

    async def _work(self) -> None:
        try:
            while turn := self.turns.next(self.busy):
                tills = {one.till for one, _ in turn}
                self.busy |= tills
                began = time.monotonic()
                try:
                    await self._serve(turn)
                finally:
                    self.busy -= tills
                size = max(1.0, sum(share for _, share in turn) / SHARED_TURN)
                self._turn_lasts += WEIGHT * ((time.monotonic() - began) / size - self._turn_lasts)
        finally:
            self._clerks -= 1

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
