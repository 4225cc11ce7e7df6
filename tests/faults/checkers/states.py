"""States: what each stream's row keeps, and rules decide on, is the fold of the stream's events."""

from collections.abc import AsyncIterator
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from branchline import catalogue
from deploy.local.places import SERVICES
from shared.decider import Aggregate
from shared.message import Vocabulary
from tests.faults.checkers.evidence import Evidence, Findings

STREAMS_AT_ONCE = 2000

_STREAMS = "SELECT id, category, version, shape, state::text AS state FROM stream WHERE id > $1 ORDER BY id LIMIT $2"
_EVENTS = """
SELECT stream_id, version, type, shape, data::text AS data FROM event WHERE stream_id = ANY($1::uuid[])
ORDER BY stream_id, version
"""


async def check(evidence: Evidence) -> Findings:
    """Fold every stream once more, and compare."""
    findings = Findings()
    for service in SERVICES:
        folds = {one.category: _Fold(one) for one in catalogue.service(service).all_aggregates}
        async for streams, events in _pages(evidence, service):
            for row in streams:
                if not folds[row["category"]].agrees(row, events.get(row["id"], [])):
                    findings.lines.append(f"{service}: {row['category']}-{row['id']} keeps {row['state'][:200]}")
    return findings


class _Fold:
    def __init__(self, aggregate: Aggregate) -> None:
        self._aggregate = aggregate
        self._states: TypeAdapter[Any] = TypeAdapter(aggregate.state)
        self._vocabulary = Vocabulary(aggregate.events)

    def agrees(self, row: asyncpg.Record, events: list[asyncpg.Record]) -> bool:
        """Return whether the state is the fold.

        One of another shape is folded anew when it is loaded; wrong versions are for the checker of streams.
        """
        is_whole = [event["version"] for event in events] == list(range(1, row["version"] + 1))
        if row["shape"] != self._aggregate.domain.SHAPE or not is_whole:
            return True
        folded = self._aggregate.fold(self._vocabulary.read(e["type"], e["shape"], e["data"]) for e in events)
        return bool(self._states.validate_json(row["state"]) == folded)


async def _pages(
    evidence: Evidence, service: str
) -> AsyncIterator[tuple[list[asyncpg.Record], dict[UUID, list[asyncpg.Record]]]]:
    """Give streams, some at a time, with the events of each in their order."""
    after = UUID(int=0)
    async with evidence.store(service) as store:
        while streams := await store.fetch(_STREAMS, after, STREAMS_AT_ONCE):
            after = streams[-1]["id"]
            events = await store.fetch(_EVENTS, [row["id"] for row in streams])
            yield streams, {one: list(of) for one, of in groupby(events, key=lambda event: event["stream_id"])}
