"""The chain, its branches, and what is wrong with its tills: missing numbers, numbers used twice, items set aside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Range

from contracts.pos import (
    BranchDescribed,
    ChainDescribed,
    ItemParked,
    TillFlagged,
    TillGapClosed,
    TillGapOpened,
    TillRegistered,
)
from shared.message import Envelope
from shared.postgres import Tx

_CHAIN = """
INSERT INTO chain (name, currency, described_at) VALUES ($1, $2, $3)
ON CONFLICT (one) DO UPDATE SET name = excluded.name, currency = excluded.currency, described_at = excluded.described_at
"""
_BRANCH = """
INSERT INTO branch (branch, title, zone, region, described_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (branch) DO UPDATE SET title = excluded.title, zone = excluded.zone, region = excluded.region,
  described_at = excluded.described_at
"""
_TILL = "INSERT INTO till (till, branch) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_OPENED = """
INSERT INTO till AS t (till, branch, missing, missing_since) VALUES ($1, $2, int8multirange($3), $4)
ON CONFLICT (till) DO UPDATE SET missing = t.missing + excluded.missing,
  missing_since = CASE WHEN isempty(t.missing) THEN excluded.missing_since ELSE t.missing_since END
"""
_CLOSED = """
UPDATE till SET missing = missing - int8multirange($2),
  missing_since = CASE WHEN isempty(missing - int8multirange($2)) THEN NULL ELSE missing_since END
WHERE till = $1
"""
_FAULT = """
INSERT INTO till_fault (id, branch, till, kind, seq, code, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
"""
_GAPS = """
SELECT till, branch, missing, missing_since FROM till WHERE NOT isempty(missing) ORDER BY missing_since, till LIMIT $1
"""
_FAULTS = "SELECT branch, till, kind, seq, code, at FROM till_fault ORDER BY at DESC, id LIMIT $1"


@dataclass(frozen=True)
class Gap:
    """What a till has not sent yet: first and last number of each run, and since when something is missing."""

    till: str
    branch: str
    runs: tuple[tuple[int, int], ...]
    since: datetime

    @property
    def numbers(self) -> int:
        """Return how many are missing."""
        return sum(last - first + 1 for first, last in self.runs)


@dataclass(frozen=True)
class Fault:
    """An item that was set aside (`parked`), or a number used twice (`flagged`)."""

    branch: str
    till: str
    kind: str
    seq: int | None
    code: str
    at: datetime


async def project(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Apply one by one, in the order of a key: there are few of these. Tills go in the order of their names."""
    told = [e for e in envelopes if isinstance(e.event, _EVENTS)]
    for envelope in sorted(told, key=_row):
        await _apply(tx, envelope)


_EVENTS = (ChainDescribed, BranchDescribed, TillRegistered, TillGapOpened, TillGapClosed, TillFlagged, ItemParked)


def _row(envelope: Envelope) -> tuple[int, str]:
    """Return what sorts the envelopes by the rows they touch; those of one row stay in order, for sorting is stable."""
    match envelope.event:
        case ChainDescribed():
            return 0, ""
        case BranchDescribed(branch=branch):
            return 1, branch
        case TillRegistered(till=till) | TillGapOpened(till=till) | TillGapClosed(till=till):
            return 2, till
        case _:
            return 3, envelope.id


async def _apply(tx: Tx, envelope: Envelope) -> None:
    match envelope.event:
        case ChainDescribed(at=at) as e:
            await tx.execute(_CHAIN, e.chain, e.currency, at)
        case BranchDescribed(at=at) as e:
            await tx.execute(_BRANCH, e.branch, e.title, e.zone, e.region, at)
        case TillRegistered() as e:
            await tx.execute(_TILL, e.till, e.branch)
        case TillGapOpened(at=at) as e:
            await tx.execute(_OPENED, e.till, e.branch, Range(e.first, e.last + 1), at)
        case TillGapClosed() as e:
            await tx.execute(_CLOSED, e.till, Range(e.first, e.last + 1))
        case TillFlagged(at=at) as e:
            await tx.execute(_FAULT, envelope.id, e.branch, e.till, "flagged", e.seq, e.code, at)
        case ItemParked(at=at) as e:
            await tx.execute(_FAULT, envelope.id, e.branch, e.till, "parked", e.seq, e.code, at)


async def gaps(tx: Tx, most: int) -> list[Gap]:
    """Return the tills with something missing, the longest first."""
    return [
        Gap(row["till"], row["branch"], tuple(_runs(row["missing"])), row["missing_since"])
        for row in await tx.fetch(_GAPS, most)
    ]


def _runs(missing: Iterable[Any]) -> Iterable[tuple[int, int]]:
    return ((run.lower, run.upper - 1) for run in missing)


async def faults(tx: Tx, most: int) -> list[Fault]:
    """Return the newest faults of tills."""
    return [Fault(**row) for row in await tx.fetch(_FAULTS, most)]
