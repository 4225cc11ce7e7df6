"""How new the figures are: the newest event of each speaker that is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.message import Envelope
from shared.postgres import Tx

_HEARD = """
INSERT INTO heard AS h (speaker, events, newest_at, newest_recorded_at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
ON CONFLICT (speaker) DO UPDATE SET events = h.events + excluded.events,
  newest_at = greatest(h.newest_at, excluded.newest_at),
  newest_recorded_at = greatest(h.newest_recorded_at, excluded.newest_recorded_at)
"""
_AS_OF = "SELECT max(newest_recorded_at) AS as_of, clock_timestamp() AS read_at FROM heard"


@dataclass(frozen=True)
class Freshness:
    """When the newest event that was counted had been recorded (None: nothing was heard), and when this was read."""

    as_of: datetime | None
    read_at: datetime


async def project(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Count a batch for each of its speakers."""
    told: dict[str, list[Envelope]] = {}
    for envelope in envelopes:
        told.setdefault(type(envelope.event).__module__.rpartition(".")[2], []).append(envelope)
    rows = [
        (
            speaker,
            len(told[speaker]),
            max(e.event.at for e in told[speaker]),
            max((e.recorded_at for e in told[speaker] if e.recorded_at), default=None),
        )
        for speaker in sorted(told)
    ]
    if rows:
        await tx.execute(_HEARD, *zip(*rows, strict=True))


async def freshness(tx: Tx) -> Freshness:
    """Return how new what this transaction reads is."""
    row = await tx.fetchrow(_AS_OF)
    assert row is not None
    return Freshness(row["as_of"], row["read_at"])
