"""Views: each one's rows are those of a fresh fold of the stores, which is made beside and never committed."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from branchline import catalogue
from deploy.local.places import SERVICES
from shared.message import Envelope, Event, Position, Vocabulary
from shared.store import cause_of
from tests.faults.checkers.evidence import Evidence, Findings

PAGE = 2000
BESIDE = "fold_of_a_checker"

_EVENTS = """
SELECT f.epoch, f.number, s.category, s.id, s.partition_key, e.version, e.shape, e.type, e.recorded_at,
       e.data::text AS data, e.meta::text AS meta
FROM feed f JOIN event e ON e.seq = f.seq JOIN stream s ON s.id = e.stream_id
WHERE f.number > $1 AND (f.part IS NOT NULL OR $2) ORDER BY f.number LIMIT $3
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY tablename"
_PATH = "SELECT set_config('search_path', $1, true)"
_DIFFERENT = """
(SELECT 'too much' AS what, t::text AS row FROM (TABLE {read} EXCEPT ALL TABLE {beside}) AS t)
UNION ALL (SELECT 'missing', t::text FROM (TABLE {beside} EXCEPT ALL TABLE {read}) AS t)
"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def check(evidence: Evidence) -> Findings:
    """Fold everything once more, and compare."""
    findings = Findings()
    for service in SERVICES:
        if catalogue.service(service).views is None:
            continue
        async with evidence.store(service) as connection:
            folding = connection.transaction()
            await folding.start()
            try:
                await _fold(evidence, connection, service)
                await _compare(evidence, connection, service, findings)
            finally:
                await folding.rollback()
    return findings


async def _fold(evidence: Evidence, connection: Connection, service: str) -> None:
    views = catalogue.service(service).views
    assert views
    await connection.execute(" ".join(["CREATE SCHEMA", BESIDE]))
    await connection.execute(_PATH, f"{BESIDE},{evidence.rig.settings.schema(service)}")
    await connection.execute(views.sql.read_text())
    told: Sequence[tuple[str, Sequence[type[Event]], bool]] = [(h.speaker, h.events, False) for h in views.hears]
    own = [event for aggregate in catalogue.service(service).all_aggregates for event in aggregate.events]
    for speaker, events, is_own in told or [(service, own, True)]:
        async for page in _pages(evidence, speaker, Vocabulary(events), with_private=is_own):
            await views.project(connection, page)


async def _pages(
    evidence: Evidence, speaker: str, vocabulary: Vocabulary, *, with_private: bool
) -> AsyncIterator[list[Envelope]]:
    after = 0
    async with evidence.store(speaker) as store:
        while rows := await store.fetch(_EVENTS, after, with_private, PAGE):
            after = rows[-1]["number"]
            if page := [_envelope(row, vocabulary) for row in rows if vocabulary.knows(row["type"], row["shape"])]:
                yield page


def _envelope(row: asyncpg.Record, vocabulary: Vocabulary) -> Envelope:
    return Envelope(
        category=row["category"],
        stream_id=row["id"],
        version=row["version"],
        key=row["partition_key"],
        event=vocabulary.read(row["type"], row["shape"], row["data"]),
        cause=cause_of(json.loads(row["meta"])),
        recorded_at=_as_kafka_keeps_it(row["recorded_at"]),
        position=Position(row["epoch"], row["number"]),
    )


def _as_kafka_keeps_it(at: datetime) -> datetime:
    """Return an instant without what is below the millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


async def _compare(evidence: Evidence, connection: Connection, service: str, findings: Findings) -> None:
    read = f"{evidence.rig.settings.schema(service)}_views"
    for (table,) in await connection.fetch(_TABLES, BESIDE):
        places: dict[str, Any] = {"read": f"{read}.{table}", "beside": f"{BESIDE}.{table}"}
        query = _DIFFERENT
        for name, place in places.items():
            query = query.replace("{" + name + "}", place)
        for row in await connection.fetch(query):
            findings.lines.append(f"{service}: {table}: {row['what']}: {row['row']}")
            findings.lost += row["what"] == "missing"
            findings.doubled += row["what"] == "too much"
