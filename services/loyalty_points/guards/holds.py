"""Every hold, redemption and spending, so that each id is good for one, whosever; and the timers that end holds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from pydantic import TypeAdapter

from contracts.loyalty_points import (
    HoldReleased,
    LotPoints,
    PointsHeld,
    PointsRedeemed,
    PointsSpentOffline,
    RedemptionReversed,
    RewardBought,
)
from services.loyalty_points.domain import (
    AccountCommand,
    AllowPoints,
    CapturePoints,
    CountSpending,
    HoldPoints,
    HoldReward,
    KnownHold,
    LapseHold,
    RedeemPoints,
    RedeemReward,
    ReleaseHold,
    ReverseRedemption,
)
from services.loyalty_points.domain.spending import CAPTURED, REVERSED
from shared.errors import Conflict
from shared.message import Event
from shared.postgres import Tx
from shared.timers import cancel, schedule

_LAPSES = UUID("5b3a7f0e-7c35-5d0a-8f43-0f6f2b7f9a02")
_LOTS = TypeAdapter(tuple[LotPoints, ...])
_OF_TILLS = (AllowPoints, CountSpending)
_MAKING = (HoldPoints, HoldReward, RedeemPoints, RedeemReward, AllowPoints, CountSpending)

# one row at least, for the time; $2 names a hold, of anybody, or none; $4 and $5 a till, whose allowances end after $6
_CLOCK = """
SELECT clock.now, a.place, h.hold_id, h.points, h.held_at, h.until, h.lots::text AS lots, h.ended, h.captured,
  h.reward::text AS reward, h.branch, h.till, h.owner <> a.owner AS is_anothers
FROM (SELECT clock_timestamp() AS now) AS clock
CROSS JOIN unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::timestamptz[])
  WITH ORDINALITY AS a (owner, hold_id, at, branch, till, since, place)
LEFT JOIN LATERAL (
  SELECT * FROM hold WHERE hold_id = a.hold_id
  UNION ALL SELECT * FROM hold WHERE owner = a.owner AND ended IS NULL AND until <= greatest(clock.now, a.at)
  UNION ALL
  SELECT * FROM hold WHERE owner = a.owner AND branch = a.branch AND till = a.till AND until > least(clock.now, a.since)
) AS h ON true
"""
_HOLD = """
INSERT INTO hold (customer_id, owner, hold_id, points, held_at, until, lots, ended, captured, reward, branch, till)
SELECT customer_id, customer_id, hold_id, points, held_at, until, lots::jsonb, ended, captured, reward::jsonb, branch,
       till
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[],
            $8::bigint[], $9::text[], $10::text[], $11::text[])
  AS h (customer_id, hold_id, points, held_at, until, lots, ended, captured, reward, branch, till)
ON CONFLICT (hold_id) DO NOTHING
"""
_OWNER = "SELECT owner FROM hold WHERE hold_id = $1"
_END = "UPDATE hold SET ended = $3, captured = $4, branch = $5 WHERE owner = $1 AND hold_id = $2"
# what is returned is its end, where it was open and nothing is left of it
_USE = """
UPDATE hold SET captured = captured + $3,
  ended = CASE WHEN ended IS NULL AND captured + $3 = points THEN 'captured' ELSE ended END
WHERE owner = $1 AND hold_id = $2 RETURNING ended = 'captured'
"""
_RELEASE = "UPDATE hold SET ended = $3 WHERE owner = $1 AND hold_id = $2"


async def known(tx: Tx, commands: Sequence[AccountCommand]) -> tuple[datetime, Mapping[int, dict[UUID, KnownHold]]]:
    """Return the time, and by place the hold that a command names and those whose time is over and are still open."""
    rows = await tx.fetch(
        _CLOCK,
        [c.customer_id for c in commands],
        [_named(c) for c in commands],
        [c.at if isinstance(c, LapseHold) else None for c in commands],
        [c.branch if isinstance(c, _OF_TILLS) else None for c in commands],
        [c.till if isinstance(c, _OF_TILLS) else None for c in commands],
        [c.at if isinstance(c, _OF_TILLS) else None for c in commands],
    )
    found: dict[int, dict[UUID, KnownHold]] = defaultdict(dict)
    for row in rows:
        if row["hold_id"]:
            found[row["place"] - 1][row["hold_id"]] = KnownHold(
                hold_id=row["hold_id"],
                points=row["points"],
                held_at=row["held_at"],
                until=row["until"],
                lots=_LOTS.validate_json(row["lots"]),
                ended=row["ended"],
                captured=row["captured"],
                reward=RewardBought.model_validate_json(row["reward"]) if row["reward"] else None,
                branch=row["branch"],
                till=row["till"],
                is_anothers=row["is_anothers"],
            )
    now: datetime = rows[0]["now"]
    _claim(commands, now, found)
    return now, found


def _claim(commands: Sequence[AccountCommand], now: datetime, found: Mapping[int, dict[UUID, KnownHold]]) -> None:
    """Let of those that give one id to things of several accounts the first have it."""
    claimed: dict[UUID, UUID] = {}
    for place, command in enumerate(commands):
        hold_id = _named(command) if isinstance(command, _MAKING) else None
        if hold_id is None or hold_id in found[place]:
            continue
        if claimed.setdefault(hold_id, command.customer_id) != command.customer_id:
            found[place][hold_id] = KnownHold(hold_id, 0, now, None, (), is_anothers=True)


async def whose(tx: Tx, hold_id: UUID) -> UUID | None:
    """Return on whose account a hold or redemption is now."""
    owner: UUID | None = await tx.fetchval(_OWNER, hold_id)
    return owner


def _named(command: AccountCommand) -> UUID | None:
    match command:
        case HoldPoints() | HoldReward() | CapturePoints() | ReleaseHold() | LapseHold():
            return command.hold_id
        case RedeemPoints() | RedeemReward() | ReverseRedemption():
            return command.redemption_id
        case AllowPoints():
            return command.allowance_id
        case CountSpending():
            return command.spending_id
        case _:
            return None


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Keep the holds and how they end, and set or take back their timers."""
    made = [e for e in told if isinstance(e, PointsHeld | PointsSpentOffline | PointsRedeemed)]
    await _add(tx, [_row(event) for event in made if not (isinstance(event, PointsRedeemed) and event.hold_id)])
    for event in told:
        match event:
            case PointsHeld():
                await _time(tx, event)
            case HoldReleased():
                await tx.execute(_RELEASE, event.customer_id, event.hold_id, event.why.value)
                await cancel(tx, _timer(event.customer_id, event.hold_id))
            case RedemptionReversed():
                await tx.execute(_RELEASE, event.customer_id, event.redemption_id, REVERSED)
            case PointsSpentOffline():
                await _spend(tx, event)
            case PointsRedeemed(hold_id=hold_id) if hold_id:
                await tx.execute(_END, event.customer_id, hold_id, CAPTURED, event.points, event.branch)
                await cancel(tx, _timer(event.customer_id, hold_id))


async def _add(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows and await tx.execute(_HOLD, *map(list, zip(*rows, strict=True))) != f"INSERT 0 {len(rows)}":
        raise Conflict("an id was given to something of another account meanwhile")


def _row(event: PointsHeld | PointsSpentOffline | PointsRedeemed) -> tuple[Any, ...]:
    who, points, at, branch = event.customer_id, event.points, event.at, event.branch
    match event:
        case PointsHeld():
            bound = _reward(event), branch, event.till
            return who, event.hold_id, points, at, event.until, _json(event.lots), None, 0, *bound
        case PointsRedeemed():
            bound = _reward(event), branch, None
            return who, event.redemption_id, points, at, None, _json(event.lots), CAPTURED, points, *bound
        case PointsSpentOffline():
            lots = _json(event.spent_lots())
            return who, event.spending_id, points, at, None, lots, CAPTURED, points, None, branch, event.till


async def _time(tx: Tx, event: PointsHeld) -> None:
    who, hold_id, until = event.customer_id, event.hold_id, event.until
    lapse = LapseHold(at=until, customer_id=who, hold_id=hold_id)
    await schedule(tx, timer_id=_timer(who, hold_id), due_at=until, stream_id=who, command=lapse)


async def _spend(tx: Tx, event: PointsSpentOffline) -> None:
    for use in event.allowances:
        if await tx.fetchval(_USE, event.customer_id, use.hold_id, use.points):
            await cancel(tx, _timer(event.customer_id, use.hold_id))


def _reward(event: PointsHeld | PointsRedeemed) -> str | None:
    return event.reward.model_dump_json() if event.reward else None


def _timer(customer_id: UUID, hold_id: UUID) -> UUID:
    return uuid5(_LAPSES, f"{customer_id}/{hold_id}")


def _json(lots: Sequence[LotPoints]) -> str:
    return _LOTS.dump_json(tuple(lots)).decode()
