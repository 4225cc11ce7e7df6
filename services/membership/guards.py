"""What each receipt is worth to a customer, and the timers that review tiers. Minor units; now is Postgres's."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid5

import asyncpg

from services.membership.domain import (
    CountRefund,
    CountSale,
    ReviewPlanned,
    ReviewTier,
    SpendCounted,
    SpendReduced,
)
from services.membership.guards_of_merges import brought, keep_merges
from services.membership.merging import MergeCommand
from services.membership.standing import Standing
from services.membership.terms import Terms
from shared.message import Command, Envelope
from shared.policy import Policies, policies
from shared.postgres import Tx
from shared.timers import schedule

Weighed: TypeAlias = CountSale | CountRefund | ReviewTier

_REVIEWS = UUID("2d0b3c5e-6a0f-5b43-9d0e-57b1b7a90c11")

_STANDINGS = """
SELECT own.sold_at, own.lines::text AS lines, w.spend_minor, w.first_gain_at, w.first_loss_at
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[])
  WITH ORDINALITY AS a (customer_id, sale_id, since, under, place)
LEFT JOIN spend own ON own.customer_id = a.under AND own.sale_id = a.sale_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(left_minor), 0) AS spend_minor,
         min(sold_at) FILTER (WHERE left_minor > 0) AS first_gain_at,
         min(sold_at) FILTER (WHERE left_minor < 0) AS first_loss_at
  FROM spend WHERE owner = a.customer_id AND sold_at > a.since
    AND (sale_id, customer_id) IS DISTINCT FROM (a.sale_id, a.under)
) AS w
ORDER BY a.place
"""
# Whoever weighs does so before the tiers are looked at under another policy, and is seen then, or after, and knows it.
_CLOCK = "SELECT pg_advisory_xact_lock_shared('tier_review'::regclass::oid::bigint), clock_timestamp()"
_COUNT = """
INSERT INTO spend (customer_id, sale_id, sold_at, lines, left_minor, owner)
SELECT customer_id, sale_id, sold_at, lines::jsonb, left_minor, owner
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::bigint[], $6::uuid[])
  AS c (customer_id, sale_id, sold_at, lines, left_minor, owner)
"""
_REDUCE = """
UPDATE spend SET lines = spend.lines || r.lines::jsonb, left_minor = r.left_minor
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) AS r (customer_id, sale_id, lines, left_minor)
WHERE spend.customer_id = r.customer_id AND spend.sale_id = r.sale_id
"""


async def gather(tx: Tx, commands: Sequence[Command], /) -> Sequence[Command]:
    """Bring the policy, at the receipt's time and now, and the spend in the window, to the commands that weigh it."""
    if any(isinstance(c, MergeCommand) for c in commands):
        commands = await brought(tx, commands)
    weighed = [c for c in commands if isinstance(c, Weighed)]
    if not weighed:
        return commands
    clock: datetime = await tx.fetchval(_CLOCK, column=1)
    dated = await policies(tx, Terms)
    # a timer's command is never handled before its own time, whatever the clocks say
    nows = [max(clock, c.at) if isinstance(c, ReviewTier) else clock for c in weighed]
    windows = [_terms(dated, now).window for now in nows]
    rows = await tx.fetch(
        _STANDINGS,
        [c.customer_id for c in weighed],
        [None if isinstance(c, ReviewTier) else c.sale_id for c in weighed],
        [now - window for now, window in zip(nows, windows, strict=True)],
        [None if isinstance(c, ReviewTier) else c.under or c.customer_id for c in weighed],
    )
    known = {
        id(c): c.model_copy(update={"standing": _standing(c, now, dated, row)})
        for c, now, row in zip(weighed, nows, rows, strict=True)
    }
    return [known.get(id(c), c) for c in commands]


def _terms(dated: Policies, at: datetime) -> Terms:
    terms = dated.at(at).terms
    assert isinstance(terms, Terms)
    return terms


def _standing(command: Weighed, now: datetime, dated: Policies, row: "asyncpg.Record") -> Standing:
    terms = _terms(dated, now)
    return Standing(
        now=now,
        terms=terms,
        policy_version=dated.at(now).version,
        joining=_terms(dated, command.at),
        joining_version=dated.at(command.at).version,
        spend_minor=int(row["spend_minor"]),
        gain_leaves_at=_later(row["first_gain_at"], terms.window),
        loss_leaves_at=_later(row["first_loss_at"], terms.window),
        sold_at=row["sold_at"],
        left=_lines(row["lines"]),
    )


def _later(at: datetime | None, by: timedelta) -> datetime | None:
    return at + by if at else None


def _lines(text: str | None) -> dict[int, int] | None:
    return {int(line): left for line, left in json.loads(text).items()} if text else None


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep what each receipt is worth, and set the timers."""
    told = [e.event for e in events]
    owners = {id(e.event): e.stream_id for e in events}
    if counted := [e for e in told if isinstance(e, SpendCounted)]:
        whose = [owners[id(e)] for e in counted]
        await tx.execute(_COUNT, *_keys(counted), [e.at for e in counted], *_worth(counted), whose)
    if reduced := [e for e in told if isinstance(e, SpendReduced)]:
        await tx.execute(_REDUCE, *_keys(reduced), *_worth(reduced))
    for event in told:
        if isinstance(event, ReviewPlanned):
            await _review(tx, event)
    await keep_merges(tx, told)


def _keys(events: Sequence[SpendCounted | SpendReduced]) -> tuple[list[UUID], list[UUID]]:
    return [e.customer_id for e in events], [e.sale_id for e in events]


def _worth(events: Sequence[SpendCounted | SpendReduced]) -> tuple[list[str], list[Any]]:
    return [json.dumps(e.lines) for e in events], [e.left_minor for e in events]


async def _review(tx: Tx, event: ReviewPlanned) -> None:
    await schedule(
        tx,
        timer_id=uuid5(_REVIEWS, f"{event.customer_id}/{event.review_at.isoformat()}"),
        due_at=event.review_at,
        stream_id=event.customer_id,
        command=ReviewTier(at=event.review_at, customer_id=event.customer_id),
    )
