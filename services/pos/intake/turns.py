"""Whose turn it is: what waits at the intake, by branch; whoever would have been served least goes first. Pure."""

import heapq
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar

LARGEST_TURN = 500  # items
SHARED_TURN = 50  # while several branches wait: nobody shall wait long behind a till that was offline for days

What = TypeVar("What")


@dataclass
class Waiting(Generic[What]):
    """What waits: `size` items of a till, of which `taken` had their turn."""

    what: What
    branch: str
    till: str
    size: int
    taken: int = 0


@dataclass
class Turns(Generic[What]):
    """What waits, by branch. `items` counts what had no turn yet."""

    items: int = 0
    _waiting: dict[str, deque[Waiting[What]]] = field(default_factory=dict)
    _served: dict[str, int] = field(default_factory=dict)  # items; who comes back begins where the others are
    _order: list[tuple[int, str]] = field(default_factory=list)  # a heap: who would be served least after its turn
    _now: int = 0

    def ahead(self, branch: str, size: int) -> int:
        """Return how many items have their turn, at most, before the last of `size` more of the branch."""
        own = sum(one.size - one.taken for one in self._waiting.get(branch, ()))
        others = len(self._waiting) - (branch in self._waiting)
        return own + min(self.items - own, others * (own + size))

    def put(self, one: Waiting[What]) -> None:
        """Let it wait behind what waits of its branch."""
        if one.branch not in self._waiting:
            self._waiting[one.branch] = deque()
            self._served[one.branch] = max(self._now, self._served.get(one.branch, 0))
            self._waiting[one.branch].append(one)
            self._queue(one.branch)
        else:
            self._waiting[one.branch].append(one)
        self.items += one.size

    def next(self, busy: Collection[str]) -> list[tuple[Waiting[What], int]]:
        """Return what has its turn, with how many more items of each; no till twice, and none that is `busy`."""
        left = LARGEST_TURN if len(self._waiting) == 1 else SHARED_TURN
        turn: list[tuple[Waiting[What], int]] = []
        tills, passed = set(busy), []
        while left > 0 and self._order:
            _, branch = heapq.heappop(self._order)
            one = next((one for one in self._waiting[branch] if one.till not in tills), None)
            if one is None:
                passed.append(branch)
                continue
            share = min(left, one.size - one.taken)
            turn.append((one, share))
            tills.add(one.till)
            left -= share
            self._serve(one, share)
        for branch in passed:
            self._queue(branch)
        return turn

    def _queue(self, branch: str) -> None:
        first = self._waiting[branch][0]
        heapq.heappush(self._order, (self._served[branch] + min(first.size - first.taken, SHARED_TURN), branch))

    def _serve(self, one: Waiting[What], share: int) -> None:
        own = self._waiting[one.branch]
        self._now = max(self._now, self._served[one.branch])
        self._served[one.branch] += share
        self.items -= share
        one.taken += share
        if one.taken == one.size:
            own.remove(one)
        if own:
            self._queue(one.branch)
        else:
            del self._waiting[one.branch]
