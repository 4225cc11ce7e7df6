"""What the desk's rules must know of rewards, allowances and debts that are let go, as they stand now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.loyalty_points.domain import (
    AccountCommand,
    AllowPoints,
    ApproveForgiveness,
    DeclineForgiveness,
    ForgiveDebt,
    HoldReward,
    RedeemReward,
)
from services.loyalty_points.guards import forgivings, traits
from services.loyalty_points.reward import guards as rewards
from services.loyalty_points.reward.offer import Offer
from services.loyalty_points.terms import Terms
from shared.policy import policies
from shared.postgres import Tx

_LETTING_GO = (ForgiveDebt, ApproveForgiveness, DeclineForgiveness)


async def brought(tx: Tx, commands: Sequence[AccountCommand], now: datetime) -> Mapping[int, dict[str, Any]]:
    """Return by place what such a command must know."""
    known: dict[int, dict[str, Any]] = {}
    wanted = {place: c for place, c in enumerate(commands) if isinstance(c, RedeemReward | HoldReward)}
    if wanted:
        offers = await _offers(tx, wanted, now)
        known |= {place: {"offer": offers.get(place)} for place in wanted}
    if allowed := [place for place, c in enumerate(commands) if isinstance(c, AllowPoints)]:
        most = (await policies(tx, Terms)).at(now).terms.desk.offline_points
        known |= {place: {"most": most} for place in allowed}
    let_go = {place: c for place, c in enumerate(commands) if isinstance(c, _LETTING_GO)}
    return {**known, **await forgivings.brought(tx, let_go, now)}


async def _offers(tx: Tx, wanted: Mapping[int, RedeemReward | HoldReward], now: datetime) -> Mapping[int, Offer]:
    held = await traits.in_force(tx, ((c.customer_id, now) for c in wanted.values()))
    wishes = {place: (c.customer_id, c.reward_id) for place, c in wanted.items()}
    return await rewards.wanted(tx, wishes, now, {who: its.tier for (who, _), its in held.items()})
