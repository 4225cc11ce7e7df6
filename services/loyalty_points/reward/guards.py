"""What is on offer, how many are left, and who took how many: rows that move with the entries of accounts.

Whoever takes one holds the reward's row from `wanted` to the end of the transaction, so that a stock never goes below
zero; rows are held in the order of their ids.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.loyalty_points import HoldReleased, PointsHeld, PointsRedeemed, RedemptionReversed
from services.loyalty_points.offer import guards as offers
from services.loyalty_points.reward.domain import (
    ChangeStock,
    DescribeReward,
    RewardCommand,
    RewardDescribed,
    RewardWithdrawn,
)
from services.loyalty_points.reward.domain import StockChanged as Changed
from services.loyalty_points.reward.offer import Description, Offer, reward_id
from shared.message import Command, Envelope, Event
from shared.postgres import Tx

_HOLD = "SELECT * FROM reward WHERE reward_id = ANY($1::uuid[]) ORDER BY reward_id FOR NO KEY UPDATE"
_DESCRIBE = """
INSERT INTO reward (reward_id, code, version, described) VALUES ($1, $2, $3, $4::jsonb)
ON CONFLICT (reward_id) DO UPDATE
SET version = excluded.version, described = excluded.described, withdrawn = false
"""
_WITHDRAW = "UPDATE reward SET withdrawn = true WHERE reward_id = $1"
_MOVE = """
UPDATE reward SET stock = stock + m.change FROM unnest($1::uuid[], $2::bigint[]) AS m (reward_id, change)
WHERE reward.reward_id = m.reward_id
"""
# what she did not fetch in time goes back before her command is decided: it is left, and not taken
_TAKEN = """
SELECT a.owner, a.reward_id, count(*) FILTER (WHERE t.lapsed = false) AS ever,
  count(*) FILTER (WHERE t.lapsed = false AND t.taken_at > $4::timestamptz - a.days * interval '1 day') AS lately,
  count(*) FILTER (WHERE t.lapsed AND t.counted) AS back
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS a (owner, reward_id, days)
LEFT JOIN LATERAL (
  SELECT t.taken_at, t.counted, h.ended IS NULL AND coalesce(h.until <= $4, false) AS lapsed
  FROM reward_taken t JOIN hold h ON h.hold_id = t.redemption_id
  WHERE t.owner = a.owner AND t.reward_id = a.reward_id AND t.given_back_at IS NULL
) AS t ON true
GROUP BY a.owner, a.reward_id
"""
_TAKE = """
INSERT INTO reward_taken (customer_id, owner, redemption_id, reward_id, counted, taken_at)
SELECT t.customer_id, t.customer_id, t.redemption_id, t.reward_id, (r.described ->> 'counted')::boolean, t.taken_at
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])
  AS t (customer_id, redemption_id, reward_id, taken_at)
JOIN reward r USING (reward_id)
RETURNING reward_id, counted
"""
_GIVE_BACK = """
UPDATE reward_taken SET given_back_at = b.at FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
  AS b (owner, redemption_id, at)
WHERE reward_taken.owner = b.owner AND reward_taken.redemption_id = b.redemption_id
  AND given_back_at IS NULL
RETURNING reward_id, counted
"""

Wish = tuple[UUID, UUID]  # the customer, and the reward


async def gather(tx: Tx, commands: Sequence[RewardCommand], /) -> Sequence[Command]:
    """Bring what is left, and hold it; and whether there are the offers that coupons name."""
    asked = [c.reward_id for c in commands if isinstance(c, ChangeStock)]
    left = {row["reward_id"]: row["stock"] for row in await _hold(tx, asked)}
    named = [c.described.offer for c in commands if isinstance(c, DescribeReward) and c.described.offer]
    offered = await offers.worded(tx, named) if named else ()
    informed: list[Command] = []
    for command in commands:
        match command:
            case ChangeStock():
                informed.append(command.model_copy(update={"left": left.get(command.reward_id, 0)}))
            case DescribeReward():
                informed.append(command.model_copy(update={"is_offered": command.described.offer in offered}))
            case _:
                informed.append(command)
    return informed


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep the offer as the events leave it."""
    for event in (e.event for e in events):
        match event:
            case RewardDescribed():
                described = event.described.model_dump_json()
                await tx.execute(_DESCRIBE, event.reward_id, event.code, event.number, described)
            case RewardWithdrawn():
                await tx.execute(_WITHDRAW, event.reward_id)
            case Changed():
                await _move(tx, Counter({event.reward_id: event.change}))


async def wanted(
    tx: Tx, wishes: Mapping[int, Wish], now: datetime, tiers: Mapping[UUID, str | None]
) -> Mapping[int, Offer]:
    """Return by place what somebody wants, where there is such a reward, and hold its row.

    Of several who want one in a transaction each is told what those before her leave, as if all of them got it.
    """
    rows = {row["reward_id"]: row for row in await _hold(tx, [reward for _, reward in wishes.values()])}
    described = {reward: Description.model_validate_json(row["described"]) for reward, row in rows.items()}
    asked = sorted({wish for wish in wishes.values() if wish[1] in rows})
    days = [described[reward].period_days or 0 for _, reward in asked]
    counts = await tx.fetch(_TAKEN, [c for c, _ in asked], [r for _, r in asked], days, now) if asked else []
    taken = {(row["owner"], row["reward_id"]): row for row in counts}
    before: Counter[UUID] = Counter()
    offers = {}
    for place, (customer, reward) in wishes.items():
        if row := rows.get(reward):
            times = taken[customer, reward]
            offers[place] = Offer(
                code=row["code"],
                version=row["version"],
                described=described[reward],
                withdrawn=row["withdrawn"],
                left=row["stock"] + times["back"] - before[reward],
                taken=times["ever"],
                taken_in_period=times["lately"],
                tier=tiers.get(customer),
            )
            before[reward] += 1
    return offers


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Count what entries took of the rewards, and what they gave back."""
    moves: Counter[UUID] = Counter()
    bought = [e for e in told if isinstance(e, PointsHeld | PointsRedeemed) and e.reward and _is_new(e)]
    if bought:
        names = [e.hold_id if isinstance(e, PointsHeld) else e.redemption_id for e in bought]
        ids = [reward_id(e.reward.code) for e in bought if e.reward]
        rows = await tx.fetch(_TAKE, [e.customer_id for e in bought], names, ids, [e.at for e in bought])
        moves.subtract(row["reward_id"] for row in rows if row["counted"])
    back = [(e.customer_id, _name(e), e.at) for e in told if isinstance(e, HoldReleased | RedemptionReversed)]
    if back:
        rows = await tx.fetch(_GIVE_BACK, *(list(column) for column in zip(*back, strict=True)))
        moves.update(row["reward_id"] for row in rows if row["counted"])
    await _move(tx, moves)


def _is_new(event: PointsHeld | PointsRedeemed) -> bool:
    """Return whether it takes one: what was held for her was taken then."""
    return isinstance(event, PointsHeld) or event.hold_id is None


def _name(event: HoldReleased | RedemptionReversed) -> UUID:
    return event.hold_id if isinstance(event, HoldReleased) else event.redemption_id


async def _hold(tx: Tx, rewards: Iterable[UUID]) -> list["asyncpg.Record"]:
    asked = sorted(set(rewards))
    return await tx.fetch(_HOLD, asked) if asked else []


async def _move(tx: Tx, moves: Counter[UUID]) -> None:
    some = {reward: change for reward, change in moves.items() if change}
    if some:
        await _hold(tx, some)
        await tx.execute(_MOVE, list(some), list(some.values()))
