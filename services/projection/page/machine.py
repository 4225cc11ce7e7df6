"""The state of the machine: every service asked for its status. Ages are seconds.

The age of the figures is worked out here too: every service is on the way from the tills into them.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ValidationError

from shared.errors import Unavailable
from shared.peer import PeerRefused
from shared.running import Running

ASKED = ("pos", "membership", "loyalty-points", "notification", "projection")
LONGEST_ANSWER = 2.0
LATE = 5.0  # what is older than this is called behind

State = Literal["good", "behind", "halted", "unreachable"]


class _Feed(BaseModel):
    unrelayed: int = 0
    oldest_unrelayed_seconds: float = 0
    lost: int = 0


class _Parked(BaseModel):
    key: str
    since: datetime
    cause: str = ""
    waiting: int = 0


class _Consumer(BaseModel):
    consumer: str
    topic: str
    lag_events: int | None = 0
    lag_seconds: float | None = 0
    parked: tuple[_Parked, ...] = ()
    halted: bool = False
    set_aside: int = 0


class _Timers(BaseModel):
    overdue: int = 0


class Status(BaseModel):
    """What a service says of itself at `GET /v1/status`, as far as the page tells it."""

    feed: _Feed | None = None
    consumers: tuple[_Consumer, ...] = ()
    timers: _Timers | None = None
    refused: int = 0


@dataclass(frozen=True)
class Parked:
    """A key that waits for an operator: at which consumer and topic, since when, and how many records wait with it."""

    consumer: str
    topic: str
    key: str
    since: datetime
    waiting: int
    cause: str


@dataclass(frozen=True)
class Part:
    """A service as it answered. Its lag is what it has not heard, None when unknown; unrelayed what it has not told."""

    name: str
    state: State
    lag_events: int = 0
    lag_seconds: float | None = 0
    unrelayed: int = 0
    relay_seconds: float = 0
    parked: tuple[Parked, ...] = ()
    set_aside: int = 0
    refused: int = 0
    overdue: int = 0
    lost: int = 0

    @property
    def age(self) -> float | None:
        """Return how old the oldest event is that it has not taken or not told; None where that is not known."""
        if self.state == "unreachable" or self.lag_seconds is None:
            return None
        return max(self.lag_seconds, self.relay_seconds)

    @property
    def is_good(self) -> bool:
        """Return whether nobody needs to look."""
        return self.state == "good" and not (self.parked or self.set_aside or self.overdue)


@dataclass(frozen=True)
class Machine:
    """One reading of all services."""

    read_at: datetime
    parts: tuple[Part, ...]

    @property
    def parked(self) -> list[Parked]:
        """Return every key that waits, the longest first."""
        return sorted((p for part in self.parts for p in part.parked), key=lambda p: p.since)

    @property
    def is_good(self) -> bool:
        """Return whether nobody needs to look."""
        return all(part.is_good for part in self.parts)

    @property
    def unreachable(self) -> list[str]:
        """Return the services that did not answer."""
        return [part.name for part in self.parts if part.state == "unreachable"]

    @property
    def stands_still(self) -> bool:
        """Return whether somebody has halted on the way into the figures."""
        return any(part.state == "halted" for part in self.parts)

    @property
    def behind_seconds(self) -> float | None:
        """Return how old the oldest event is that somebody on the way has not taken; None where that is not known."""
        ages = [part.age for part in self.parts]
        known = [age for age in ages if age is not None]
        return max(known) if len(known) == len(ages) else None

    @property
    def on_their_way(self) -> int:
        """Return how many events are still to be taken by somebody."""
        return sum(part.lag_events + part.unrelayed for part in self.parts)


async def read(running: Running) -> Machine:
    """Ask every service at once; who does not answer in time is unreachable."""
    parts = await asyncio.gather(*(_ask(running, name) for name in ASKED))
    return Machine(datetime.now(UTC), tuple(parts))


async def _ask(running: Running, name: str) -> Part:
    try:
        body = await asyncio.wait_for(running.peers.call(name, "GET", "/v1/status"), LONGEST_ANSWER)
        return part_of(name, Status.model_validate_json(body))
    except (Unavailable, PeerRefused, ValidationError, TimeoutError):
        return Part(name, "unreachable")


def part_of(name: str, status: Status) -> Part:
    """Return a service as its status shows it."""
    feed = status.feed or _Feed()
    lags = [c.lag_seconds for c in status.consumers]
    known = [lag for lag in lags if lag is not None]
    lag = max(known, default=0.0) if len(known) == len(lags) else None
    return Part(
        name,
        _state(status, max([*known, feed.oldest_unrelayed_seconds])),
        lag_events=sum(c.lag_events or 0 for c in status.consumers),
        lag_seconds=lag,
        unrelayed=feed.unrelayed,
        relay_seconds=feed.oldest_unrelayed_seconds,
        parked=tuple(_parked(status.consumers)),
        set_aside=sum(c.set_aside for c in status.consumers),
        refused=status.refused,
        overdue=status.timers.overdue if status.timers else 0,
        lost=feed.lost,
    )


def _state(status: Status, oldest: float) -> State:
    if any(c.halted for c in status.consumers):
        return "halted"
    return "behind" if oldest > LATE else "good"


def _parked(consumers: Iterable[_Consumer]) -> Iterable[Parked]:
    for c in consumers:
        for key in c.parked:
            yield Parked(c.consumer, c.topic, key.key, key.since, key.waiting, key.cause)
