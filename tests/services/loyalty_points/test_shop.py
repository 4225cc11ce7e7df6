"""Rewards and allowances on Postgres: races for a stock and for a limit, and tills that are heard in any order."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from contracts.loyalty_points import PointsRedeemed, PointsSpentOffline, RewardKind
from contracts.pos import PointsSpentAtTill, spending_id
from services.loyalty_points.domain import (
    AllowPoints,
    HoldReward,
    RedeemPoints,
    RedeemReward,
    ReleaseHold,
    ReverseRedemption,
)
from services.loyalty_points.reactions import react
from services.loyalty_points.reward.domain import ChangeStock, DescribeReward
from services.loyalty_points.reward.offer import Description, reward_id
from shared.errors import Rejected
from shared.message import Command, Issued
from shared.performing import perform, perform_one
from shared.running import Running
from shared.timers import fire
from tests.services.loyalty_points.clock import set_clock
from tests.services.loyalty_points.test_desk import BEGIN, CAUSE, member, said

CREAM = reward_id("cream")
DAY = timedelta(days=1)

_STOCK = "SELECT stock FROM reward WHERE reward_id = $1"
_TAKEN = "SELECT count(*) FROM reward_taken WHERE given_back_at IS NULL"


async def shelve(running: Running, stock: int, **its: Any) -> None:
    described = Description(title="Hand cream", kind=RewardKind.GIFT, points=10, counted=True, **its)
    await perform_one(running, DescribeReward(at=BEGIN, reward_id=CREAM, code="cream", described=described), CAUSE)
    await perform_one(running, ChangeStock(at=BEGIN, reward_id=CREAM, change=stock, reason="delivered"), CAUSE)


def take(who: UUID, name: str = "first") -> RedeemReward:
    now = datetime.now(UTC)
    return RedeemReward(at=now, customer_id=who, redemption_id=uuid5(who, name), reward_id=CREAM, branch="TOR1")


async def tried(running: Running, command: Command) -> str:
    try:
        await perform_one(running, command, CAUSE)
    except Rejected as refusal:
        return refusal.code
    return "won"


async def test_of_fifty_who_race_for_seven_seven_win(lasting_points: Running) -> None:
    await shelve(lasting_points, 7)
    racers = [await member(lasting_points, 1_000) for _ in range(50)]
    ends = Counter(await asyncio.gather(*(tried(lasting_points, take(who)) for who in racers)))
    assert ends == {"won": 7, "reward-out-of-stock": 43}
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 0
    assert await lasting_points.pool.fetchval(_TAKEN) == 7
    spent = [e for who in racers for e in await said(lasting_points, who, PointsRedeemed)]
    assert sum(e.points for e in spent) == 70


async def test_who_races_with_herself_stays_within_her_limit(lasting_points: Running) -> None:
    await shelve(lasting_points, 20, most_each=2)
    who = await member(lasting_points, 30_000)
    names = [take(who, str(n)) for n in range(20)]
    alone = [perform(lasting_points, [Issued(command, CAUSE)]) for command in names[:10]]
    together = [tried(lasting_points, command) for command in names[10:]]
    outcomes, ends = await asyncio.gather(asyncio.gather(*alone), asyncio.gather(*together))
    ends += [one.refusal.code if one.refusal else "won" for (one,) in outcomes]
    assert Counter(ends) == {"won": 2, "reward-limit-reached": 18}
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 18


async def test_a_batch_of_many_takes_no_more_than_there_are(lasting_points: Running) -> None:
    await shelve(lasting_points, 3)
    racers = [await member(lasting_points, 1_000) for _ in range(5)]
    outcomes = await perform(lasting_points, [Issued(take(who), CAUSE) for who in racers])
    assert [o.refusal.code if o.refusal else None for o in outcomes] == [None] * 3 + ["reward-out-of-stock"] * 2
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 0


async def test_a_stock_is_lowered_while_it_is_taken_and_never_below_zero(lasting_points: Running) -> None:
    await shelve(lasting_points, 5)
    racers = [await member(lasting_points, 1_000) for _ in range(8)]
    fewer = [ChangeStock(at=BEGIN, reward_id=CREAM, change=-1, reason="broken") for _ in range(8)]
    ends = Counter(await asyncio.gather(*(tried(lasting_points, one) for one in (*map(take, racers), *fewer))))
    assert ends["won"] == 5
    assert ends["reward-out-of-stock"] + ends["stock-below-zero"] == 11
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 0


async def test_what_comes_back_is_there_again_once(lasting_points: Running) -> None:
    await shelve(lasting_points, 1, most_each=1)
    who, now = await member(lasting_points, 1_000), datetime.now(UTC)

    def put_by(name: str, seconds: float) -> HoldReward:
        until, hold_id = datetime.now(UTC) + timedelta(seconds=seconds), uuid5(who, name)
        at = datetime.now(UTC)
        return HoldReward(at=at, customer_id=who, hold_id=hold_id, reward_id=CREAM, branch="TOR1", until=until)

    assert await tried(lasting_points, put_by("let go", 60)) == "won"
    assert await tried(lasting_points, take(who)) == "reward-limit-reached"
    for _ in range(2):
        release = ReleaseHold(at=now, customer_id=who, hold_id=uuid5(who, "let go"))
        assert await tried(lasting_points, release) == "won"
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 1
    assert await tried(lasting_points, put_by("not fetched", 0.3)) == "won"
    await asyncio.sleep(0.4)
    assert await tried(lasting_points, take(who)) == "won"
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 0
    for _ in range(2):
        back = ReverseRedemption(at=now, customer_id=who, redemption_id=uuid5(who, "first"), reason="wrong-gift")
        assert await tried(lasting_points, back) == "won"
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 1
    assert await tried(lasting_points, put_by("not fetched either", 0.3)) == "won"
    await asyncio.sleep(0.4)
    while await fire(lasting_points):
        pass
    assert await lasting_points.pool.fetchval(_STOCK, CREAM) == 1
    assert await lasting_points.pool.fetchval(_TAKEN) == 0


def reported(who: UUID, number: str, points: int, at: datetime) -> PointsSpentAtTill:
    return PointsSpentAtTill(
        at=at,
        spending_id=spending_id("TOR1", "TOR1-1", number),
        branch="TOR1",
        till="TOR1-1",
        number=number,
        zone="America/Toronto",
        on=at.date(),
        customer_id=who,
        points=points,
    )


@pytest.mark.parametrize("heard", ["in time", "after it lapsed"])
async def test_a_till_that_was_offline_is_counted_once_whenever_it_is_heard(
    lasting_points: Running, monkeypatch: pytest.MonkeyPatch, heard: str
) -> None:
    set_clock(monkeypatch, BEGIN)
    who = await member(lasting_points, 3_000)
    until = BEGIN + DAY
    bound: dict[str, Any] = {"branch": "TOR1", "till": "TOR1-1", "until": until}
    await perform_one(
        lasting_points, AllowPoints(at=BEGIN, customer_id=who, allowance_id=uuid4(), points=20, **bound), CAUSE
    )
    reports = [reported(who, str(n), points, BEGIN + timedelta(hours=n)) for n, points in enumerate((7, 8, 9), 1)]
    set_clock(monkeypatch, BEGIN + (timedelta(hours=5) if heard == "in time" else 3 * DAY))
    told = [command for news in (*reports[::-1], *reports) for command in react(news)]
    await asyncio.gather(*(perform(lasting_points, [Issued(one, CAUSE)]) for one in told))
    spent = await said(lasting_points, who, PointsSpentOffline)
    assert sorted(e.points for e in spent) == [7, 8, 9]
    assert sum(use.points for e in spent for use in e.allowances) == 20
    assert (spent[-1].balance, spent[-1].debt, sum(e.owed for e in spent)) == (6, 0, 0)
    set_clock(monkeypatch, BEGIN + 4 * DAY)
    await perform_one(lasting_points, RedeemPoints(at=BEGIN, customer_id=who, redemption_id=uuid4(), points=6), CAUSE)
    (late,) = react(reported(who, "4", 5, BEGIN + timedelta(hours=4)))
    await perform_one(lasting_points, late, CAUSE)
    assert (await said(lasting_points, who, PointsSpentOffline))[-1].owed == 5
    assert await lasting_points.pool.fetchval("SELECT count(*) FROM refused") == 0
