"""What a checker may look at, and what it says."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from shared.message import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.rig import Rig

Key = TypeVar("Key")
Told = TypeVar("Told", bound=Event)
SHOWN = 20

_EVENTS = "SELECT data::text AS data FROM event WHERE type = $1 AND shape = $2 ORDER BY seq"
_SAID = "SELECT data::text AS data FROM event JOIN feed USING (seq) WHERE type = $1 AND shape = $2 ORDER BY seq"


@dataclass
class Findings:
    """A line for each thing that is wrong; how many events are lost, or have their effect more than once."""

    lines: list[str] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0

    def compare(self, what: str, wanted: Iterable[object], found: Iterable[object]) -> None:
        """Count what is wanted and not found as lost, what is found more often than wanted as doubled."""
        left, right = Counter(wanted), Counter(found)
        lost, doubled = left - right, right - left
        self.lost += lost.total()
        self.doubled += doubled.total()
        self.lines += [f"{what}: {key} is lost" for key in lost]
        self.lines += [f"{what}: {key} is there {times} times too often" for key, times in doubled.items()]

    def shown(self) -> Iterator[str]:
        """Give the first lines, and how many more there are."""
        yield from self.lines[:SHOWN]
        if len(self.lines) > SHOWN:
            yield f"and {len(self.lines) - SHOWN:,} more"


@dataclass(frozen=True)
class Evidence:
    """A rig whose tills are closed and whose services have settled."""

    rig: "Rig"

    @asynccontextmanager
    async def store(self, service: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """Give a connection of the owner to a service's tables."""
        connection = await self.rig.connect(service)
        try:
            yield connection
        finally:
            await connection.close()

    async def rows(self, service: str, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Return rows of a service's tables."""
        async with self.store(service) as connection:
            return await connection.fetch(query, *arguments)

    async def events(self, service: str, kind: type[Told]) -> list[Told]:
        """Return a service's events of a kind, in the order they were written."""
        rows = await self.rows(service, _EVENTS, kind.name, kind.version)
        return [kind.model_validate_json(row["data"]) for row in rows]

    async def said(self, service: str, kind: type[Told]) -> list[Told]:
        """Return those of a service's events of a kind that have a number in its feed."""
        rows = await self.rows(service, _SAID, kind.name, kind.version)
        return [kind.model_validate_json(row["data"]) for row in rows]
