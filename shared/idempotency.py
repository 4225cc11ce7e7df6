"""Idempotency keys: the same key and body get the first outcome for 30 days, refusals too; another body is refused."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from shared.errors import Rejected
from shared.handling import Outcome
from shared.postgres import Tx

KEPT_DAYS = 30

_CLAIM = """
INSERT INTO command_done (id, body_hash, result)
SELECT id, hash, 'null' FROM unnest($1::uuid[], $2::bytea[]) AS c (id, hash) ORDER BY id
ON CONFLICT DO NOTHING RETURNING id
"""
_KEEP = """
UPDATE command_done SET result = c.result::jsonb FROM unnest($1::uuid[], $2::text[]) AS c (id, result)
WHERE command_done.id = c.id
"""
_RESULTS = "SELECT id, body_hash, result::text AS result FROM command_done WHERE id = ANY($1::uuid[])"
_PRUNE = """
DELETE FROM command_done WHERE id IN (SELECT id FROM command_done WHERE done_on < current_date - $1::int LIMIT 5000)
"""


class Idempotency(NamedTuple):
    """What makes a repeat of a command known: an id made of route, caller and key, and a hash of the body."""

    id: UUID
    body_hash: bytes


class KeyReused(Exception):
    """The key was used before, for another body."""


async def claim(tx: Tx, keys: Sequence[Idempotency]) -> set[UUID]:
    """Return the ids that are new, now held by this transaction; waits for a concurrent twin to end."""
    rows = await tx.fetch(_CLAIM, [k.id for k in keys], [k.body_hash for k in keys])
    return {row["id"] for row in rows}


async def keep(tx: Tx, outcomes: Mapping[UUID, Outcome]) -> None:
    """Write the outcomes beside the keys claimed before."""
    await tx.execute(_KEEP, list(outcomes), [told(outcome) for outcome in outcomes.values()])


async def replay(tx: Tx, keys: Sequence[Idempotency]) -> dict[Idempotency, Outcome | KeyReused]:
    """Return what was kept under the keys, as replayed outcomes."""
    rows = {row["id"]: row for row in await tx.fetch(_RESULTS, [k.id for k in keys])}
    return {k: _outcome(rows[k.id]["result"]) if rows[k.id]["body_hash"] == k.body_hash else KeyReused() for k in keys}


async def prune(tx: Tx) -> bool:
    """Delete some keys older than the days they are kept; return whether there may be more."""
    return str(await tx.execute(_PRUNE, KEPT_DAYS)) != "DELETE 0"


def told(outcome: Outcome) -> str:
    """Return an outcome as the JSON that is kept."""
    refusal = outcome.refusal
    kept = {"stream": str(outcome.stream_id), "version": outcome.version}
    if refusal:
        kept |= {"code": refusal.code, "facts": dict(refusal.facts)}
    return json.dumps(kept, default=str)


def _outcome(kept: str) -> Outcome:
    result = json.loads(kept)
    refusal = Rejected(result["code"], **result["facts"]) if "code" in result else None
    return Outcome(UUID(result["stream"]), result["version"], refusal=refusal, replayed=True)
