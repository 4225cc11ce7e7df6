"""What accounts passed on when customers turned out to be one, and what goes back; and the rows that move with it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from contracts.loyalty_points import LotPoints
from services.loyalty_points.domain import Account, GiveBackAccount, GiveUpAccount, RestoreAccount, Share, TakeInAccount
from services.loyalty_points.domain.events import AccountGivenBack, AccountGivenUp
from services.loyalty_points.domain.identity import Other, other_of, under
from services.loyalty_points.domain.lots import split
from services.loyalty_points.domain.totals import Active, Waiting
from services.loyalty_points.guards import identities
from shared.message import Command, Event
from shared.postgres import Tx

_MERGE = "SELECT given::text AS given, given_back::text AS given_back FROM account_merge WHERE merge_id = $1"
_STANDING = """
SELECT m.given_back::text AS given_back FROM account_merge m
JOIN stream s ON s.id = m.customer_id AND (s.state ->> 'merge_id')::uuid = m.merge_id WHERE m.customer_id = $1
"""
_KEEP = """
INSERT INTO account_merge (merge_id, customer_id, into_id, merged_at, given) VALUES ($1, $2, $3, $4, $5::jsonb)
"""
_GIVE_BACK = "UPDATE account_merge SET given_back = $2::jsonb WHERE merge_id = $1"
_LAST = """
WITH RECURSIVE chain AS (
  SELECT $1::uuid AS id, 0 AS link
  UNION ALL SELECT (s.state ->> 'moved_to')::uuid, link + 1 FROM chain JOIN stream s USING (id)
  WHERE s.state ->> 'moved_to' IS NOT NULL
)
SELECT id FROM chain ORDER BY link DESC LIMIT 1
"""
_LEADS_BACK = """
WITH RECURSIVE chain AS (
  SELECT $1::uuid AS id
  UNION SELECT (s.state ->> 'moved_to')::uuid FROM chain JOIN stream s USING (id)
  WHERE s.state ->> 'moved_to' IS NOT NULL
)
SELECT $2 IN (SELECT id FROM chain)
"""
# a lot of which both have a part since a split: it is one again, of whom it was
_REJOIN = """
WITH part AS (
  DELETE FROM lot p USING lot l WHERE p.owner = $2 AND l.owner = $1 AND l.lot_id = p.lot_id RETURNING p.*
)
UPDATE lot SET points = lot.points + p.points, repaid = lot.repaid + p.repaid, drawn = lot.drawn + p.drawn,
  taken_back = lot.taken_back + p.taken_back, expired = lot.expired + p.expired, stayed = least(lot.stayed, p.stayed),
  customer_id = CASE WHEN p.stayed < lot.stayed THEN p.customer_id ELSE lot.customer_id END
FROM part p WHERE lot.owner = $1 AND lot.lot_id = p.lot_id
"""
_MOVE = (
    "UPDATE receipt SET owner = $2 WHERE owner = $1",
    "UPDATE lot SET owner = $2 WHERE owner = $1",
    "UPDATE hold SET owner = $2 WHERE owner = $1",
    "UPDATE award SET owner = $2 WHERE owner = $1",
    "UPDATE reward_taken SET owner = $2 WHERE owner = $1",
    "UPDATE forgiving SET owner = $2 WHERE owner = $1",
    "UPDATE coupon SET owner = $2 WHERE owner = $1",
    "UPDATE coupon_taken SET owner = $2 WHERE owner = $1",
)
_OF_IDS = tuple(move + " AND customer_id = ANY($3::uuid[])" for move in _MOVE)
_EXPECT = """
INSERT INTO expiry (customer_id, expires_at, notices, notice_at)
SELECT $2::uuid, expires_at, notices, notice_at FROM expiry WHERE customer_id = $1 ON CONFLICT DO NOTHING
"""
_EXPECT_NO_MORE = "DELETE FROM expiry WHERE customer_id = $1"
_TOTALS = """
SELECT active_from, expires_at, coalesce(active_from > $3, false) AS is_pending, sum(rest)::bigint AS points FROM lot
WHERE owner = $1 AND customer_id = ANY($2::uuid[]) AND rest > 0 GROUP BY 1, 2, 3
"""
_FIGURES = """
SELECT
  (SELECT coalesce(sum(value::bigint), 0)::bigint FROM receipt r, jsonb_each_text(r.earned)
   WHERE r.owner = $1 AND r.customer_id = ANY($2::uuid[])) AS by_receipts,
  (SELECT coalesce(sum(kept), 0)::bigint FROM receipt WHERE owner = $1 AND customer_id = ANY($2::uuid[])) AS kept,
  (SELECT coalesce(sum(points), 0)::bigint FROM award WHERE owner = $1 AND customer_id = ANY($2::uuid[])) AS by_acts,
  (SELECT coalesce(sum(expired), 0)::bigint FROM lot WHERE owner = $1 AND customer_id = ANY($2::uuid[])) AS expired,
  (SELECT coalesce(sum(captured), 0)::bigint FROM hold
   WHERE owner = $1 AND customer_id = ANY($2::uuid[]) AND ended = 'captured' AND (till IS NULL OR until IS NULL)
  ) AS redeemed,
  (SELECT coalesce(sum(forgiven), 0)::bigint FROM forgiving
   WHERE owner = $1 AND customer_id = ANY($2::uuid[])) AS forgiven
"""
_OPEN = "SELECT hold_id FROM hold WHERE owner = $1 AND customer_id = ANY($2::uuid[]) AND ended IS NULL"
# holds and redemptions of one that drew on lots which are the other's now, and on which
_DRAWN = """
SELECT h.lots::text AS lots, h.captured, h.ended, h.until, h.till, array_agg(l.lot_id) AS of_the_other
FROM hold h CROSS JOIN LATERAL jsonb_array_elements(h.lots) AS part
JOIN lot l ON l.owner = $2 AND l.lot_id = (part ->> 'lot_id')::uuid
WHERE h.owner = $1 AND (h.ended IS NULL OR h.ended = 'captured') GROUP BY h.hold_id
"""
_DIVIDE = """
WITH stays AS (SELECT * FROM unnest($3::uuid[], $4::bigint[]) AS s (lot_id, drawn)), divided AS (
  UPDATE lot SET points = lot.points - s.drawn, drawn = lot.drawn - s.drawn
  FROM stays s WHERE lot.owner = $2 AND lot.lot_id = s.lot_id RETURNING lot.*, s.drawn AS stays
)
INSERT INTO lot (customer_id, owner, lot_id, source, branch, earned_on, earned_at, policy_version, active_from,
                 expires_at, points, repaid, drawn, stayed)
SELECT $1::uuid, $1::uuid, lot_id, source, branch, earned_on, earned_at, policy_version, active_from, expires_at,
       stays, 0, stays, stayed + 1
FROM divided
"""

_ACCOUNT = TypeAdapter(Account)
_LOTS = TypeAdapter(tuple[LotPoints, ...])


async def brought(tx: Tx, commands: Sequence[Command], now: datetime) -> Mapping[int, dict[str, Any]]:
    """Return by place what commands about merges must know."""
    known: dict[int, dict[str, Any]] = {}
    for place, command in enumerate(commands):
        match command:
            case GiveUpAccount():
                known[place] = {"is_known": await _is_known(tx, command)}
            case TakeInAccount():
                known[place] = await _given(tx, command)
            case GiveBackAccount():
                known[place] = {"share": await _share(tx, command, now)}
            case RestoreAccount():
                known[place] = {"given_back": _account(await tx.fetchval(_STANDING, command.customer_id))}
    return known


async def _is_known(tx: Tx, command: GiveUpAccount) -> bool:
    """Return whether a merge has been heard, or is over: into whom she is given up has been given up for her since."""
    if await tx.fetchrow(_MERGE, command.merge_id):
        return True
    return bool(await tx.fetchval(_LEADS_BACK, command.into, command.customer_id))


async def _given(tx: Tx, command: TakeInAccount) -> dict[str, Any]:
    row = await tx.fetchrow(_MERGE, command.merge_id)
    given = _account(row["given"]) if row and row["given_back"] is None else None
    whole = (await identities.known(tx, [command.customer_id])).get(command.customer_id)
    return {"given": given, "debts": (given.debt if given else 0) + (whole.debt if whole else 0)}


def _account(kept: str | None) -> Account | None:
    return _ACCOUNT.validate_json(kept) if kept else None


async def _share(tx: Tx, command: GiveBackAccount, now: datetime) -> Share | None:
    owner = command.customer_id
    whole = (await identities.known(tx, [owner])).get(owner)
    others: tuple[Other, ...] = whole.others if whole else ()
    if other_of(others, command.restored) is None:
        return None
    ids = frozenset({command.restored, *(one.customer_id for one in under(others, command.restored))})
    totals = await tx.fetch(_TOTALS, owner, list(ids), now)
    figures = await tx.fetchrow(_FIGURES, owner, list(ids))
    assert figures
    earned = figures["by_receipts"] + figures["by_acts"]
    return Share(
        ids=ids,
        active=tuple(Active(row["expires_at"], row["points"]) for row in totals if not row["is_pending"]),
        pending=tuple(
            Waiting(row["active_from"], row["expires_at"], row["points"]) for row in totals if row["is_pending"]
        ),
        holds=frozenset(row["hold_id"] for row in await tx.fetch(_OPEN, owner, list(ids))),
        earned=earned,
        taken_back=figures["by_receipts"] - figures["kept"],
        redeemed=figures["redeemed"],
        expired=figures["expired"],
        forgiven=figures["forgiven"],
    )


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Move all rows of an account that was given up, and back those of the ids that are on their own again."""
    for event in told:
        match event:
            case AccountGivenUp(customer_id=who, into=into):
                given = _ACCOUNT.dump_json(event.account).decode()
                await tx.execute(_KEEP, event.merge_id, who, into, event.at, given)
                await _move(tx, who, await tx.fetchval(_LAST, into))
            case AccountGivenBack(customer_id=who, restored=restored):
                given_back = _ACCOUNT.dump_json(event.account).decode()
                await tx.execute(_GIVE_BACK, event.merge_id, given_back)
                ids = [restored, *(one.customer_id for one in event.account.others)]
                await _return(tx, who, restored, ids)


async def _move(tx: Tx, who: UUID, to: UUID) -> None:
    await tx.execute(_REJOIN, who, to)
    for move in _MOVE:
        await tx.execute(move, who, to)
    await tx.execute(_EXPECT, who, to)
    await tx.execute(_EXPECT_NO_MORE, who)


async def _return(tx: Tx, who: UUID, to: UUID, ids: Sequence[UUID]) -> None:
    for move in _OF_IDS:
        await tx.execute(move, who, to, ids)
    await tx.execute(_EXPECT, who, to)
    stays, goes = await _drawn(tx, who, to), await _drawn(tx, to, who)
    await tx.execute(_DIVIDE, who, to, list(stays), list(stays.values()))
    await tx.execute(_DIVIDE, to, who, list(goes), list(goes.values()))


async def _drawn(tx: Tx, by: UUID, of: UUID) -> Counter[UUID]:
    drawn: Counter[UUID] = Counter()
    for row in await tx.fetch(_DRAWN, by, of):
        for part in still_drawn(_LOTS.validate_json(row["lots"]), row["captured"], row["ended"], _is_allowance(row)):
            if part.lot_id in row["of_the_other"]:
                drawn[part.lot_id] += part.points
    return drawn


def _is_allowance(row: Any) -> bool:
    return row["till"] is not None and row["until"] is not None


def still_drawn(
    lots: Sequence[LotPoints], captured: int, ended: str | None, is_allowance: bool
) -> tuple[LotPoints, ...]:
    """Return what a hold or redemption has of its lots; what a till spent of an allowance has a row of its own."""
    if ended is None:
        return split(lots, captured)[1] if is_allowance else tuple(lots)
    return () if is_allowance else split(lots, captured)[0]
