"""Points by branch and day of the receipt that earned them, and what each customer holds."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias
from uuid import UUID

from contracts.loyalty_points import (
    DebtForgiven,
    HoldReleased,
    LotPoints,
    PointsAwarded,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsMerged,
    PointsRedeemed,
    PointsSpentOffline,
    PointsSplit,
    PointsTakenBack,
    RedemptionReversed,
)
from shared.message import Envelope
from shared.postgres import Tx

_ENTRIES = (
    PointsEarned,
    PointsAwarded,
    PointsTakenBack,
    PointsHeld,
    HoldReleased,
    PointsRedeemed,
    RedemptionReversed,
    PointsSpentOffline,
    PointsExpired,
    DebtForgiven,
    PointsMerged,
    PointsSplit,
)
Entry: TypeAlias = (
    PointsEarned
    | PointsAwarded
    | PointsTakenBack
    | PointsHeld
    | HoldReleased
    | PointsRedeemed
    | RedemptionReversed
    | PointsSpentOffline
    | PointsExpired
    | DebtForgiven
    | PointsMerged
    | PointsSplit
)

_DAYS = """
INSERT INTO points_day AS d (branch, day, earned, taken_back, redeemed, expired)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (branch, day) DO UPDATE
SET earned = d.earned + excluded.earned, taken_back = d.taken_back + excluded.taken_back,
  redeemed = d.redeemed + excluded.redeemed, expired = d.expired + excluded.expired
"""
_HELD = """
INSERT INTO customer AS c (customer_id, balance, pending, debt, earned, taken_back, redeemed, expired)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[])
ON CONFLICT (customer_id) DO UPDATE
SET balance = excluded.balance, pending = excluded.pending, debt = excluded.debt,
  earned = c.earned + excluded.earned, taken_back = c.taken_back + excluded.taken_back,
  redeemed = c.redeemed + excluded.redeemed, expired = c.expired + excluded.expired
"""


class _Moved(NamedTuple):
    """What an entry adds to the columns of a branch's day."""

    branch: str
    on: date
    earned: int = 0
    taken_back: int = 0
    redeemed: int = 0
    expired: int = 0


async def project(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Add what came and went; the last balance and debt of a customer stand."""
    days: defaultdict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    sums: defaultdict[UUID, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    last: dict[UUID, Entry] = {}
    for event in (e.event for e in envelopes):
        if isinstance(event, _ENTRIES):
            last[event.customer_id] = event
            for branch, on, *moved in _moved(event):
                for column, points in enumerate(moved):
                    days[branch, on][column] += points
                    sums[event.customer_id][column] += points
    if not last:
        return
    held = [(c, last[c].balance, last[c].pending, last[c].debt, *sums[c]) for c in sorted(last)]
    await tx.execute(_HELD, *zip(*held, strict=True))
    if days:
        await tx.execute(_DAYS, *zip(*((*key, *days[key]) for key in sorted(days)), strict=True))


def _moved(event: Entry) -> Iterator[_Moved]:
    """Yield what an entry adds: what is spent or expires counts where and when its lot was earned.

    What was spent of no lot, but owed, counts where and when it was spent.
    """
    match event:
        case PointsEarned() | PointsAwarded():
            yield _Moved(event.branch, event.on, earned=event.points)
        case PointsTakenBack():
            taken_back, gone = event.points - event.corrected, -event.from_expired
            yield _Moved(event.branch, event.on, earned=-event.corrected, taken_back=taken_back, expired=gone)
        case PointsRedeemed():
            yield from (_Moved(*_earned(lot), redeemed=lot.points) for lot in event.lots)
        case RedemptionReversed():
            yield from (_Moved(*_earned(lot), redeemed=-lot.points) for lot in event.lots)
        case PointsSpentOffline():
            yield from _spent_offline(event)
        case PointsExpired():
            yield from (_Moved(*_earned(lot), expired=lot.points) for lot in event.lots)
        case PointsHeld() | HoldReleased() | DebtForgiven() | PointsMerged() | PointsSplit():
            pass  # they move the balance alone


def _spent_offline(event: PointsSpentOffline) -> Iterator[_Moved]:
    yield from (_Moved(*_earned(lot), redeemed=lot.points) for lot in event.spent_lots())
    yield from (_Moved(*_earned(lot), expired=-lot.points) for lot in event.from_expired)
    if event.owed:
        yield _Moved(event.branch, event.on, redeemed=event.owed)


def _earned(lot: LotPoints) -> tuple[str, date]:
    return lot.branch, lot.on
