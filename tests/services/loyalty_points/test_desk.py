"""The desk on Postgres: races, holds that lapse by a timer, lots that expire in chunks, notices said once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4, uuid5

import pytest

from contracts.loyalty_points import ExpiryNoticed, HoldReleased, PointsExpired, PointsHeld, PointsRedeemed, Release
from services.loyalty_points.domain import CapturePoints, HoldPoints, RedeemPoints, StartEarning
from services.loyalty_points.expiring import look
from services.loyalty_points.lifetime import AfterDays, AfterMonths, Expiry, Never
from services.loyalty_points.reactions import react
from services.loyalty_points.terms import Terms
from shared.errors import Rejected
from shared.message import Cause, Event, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.running import Running
from shared.timers import fire
from tests.services.loyalty_points.clock import set_clock
from tests.services.stories import joining, sale

CAUSE = Cause("a test", "a test")
BEGIN = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)
MANY = 10_000

Told = TypeVar("Told", bound=Event)

_SIZE = "SELECT octet_length(state::text) FROM stream WHERE id = $1"
_LEFT = "SELECT sum(rest)::bigint, sum(expired)::bigint, count(*) FROM lot WHERE customer_id = $1"
_RECEIPTS = """
INSERT INTO receipt (customer_id, owner, sale_id, branch, zone, sold_on, sold_at, receipt_order, sold, lines,
                     policy_version)
SELECT $1, $1, gen_random_uuid(), 'TOR1', 'America/Toronto', $2::date + n % 366,
       $3::timestamptz + n % 366 * interval '1 day',
       lpad(n::text, 6, '0'), '{"1": [9900, ["service", "CUT"]]}', '{"1": 9900}', 1
FROM generate_series(1, $4) AS n
"""


async def publish(running: Running, expiry: Expiry) -> None:
    terms = Terms(expiry=expiry).model_dump(mode="json")
    await perform_one(running, PublishPolicy(at=datetime.now(UTC), terms=terms), CAUSE)


async def member(running: Running, net_minor: int, at: datetime = BEGIN) -> UUID:
    """Return a member who has bought once."""
    who = uuid4()
    bought = sale(str(who), (who, net_minor), at=at)
    for news in (bought, joining(bought, who)):
        await perform(running, [Issued(command, CAUSE) for command in react(news)])
    return who


async def said(running: Running, who: UUID, kind: type[Told]) -> list[Told]:
    async with running.pool.acquire() as tx:
        told = [e.event for e in await running.handler.history(tx, "account", who)]
    return [event for event in told if isinstance(event, kind)]


async def test_of_a_hundred_who_race_for_seven_points_seven_win(lasting_points: Running) -> None:
    who = await member(lasting_points, 700)

    async def race(number: int) -> str:
        command = RedeemPoints(at=BEGIN, customer_id=who, redemption_id=uuid5(who, str(number)), points=1)
        if number % 2:
            (outcome,) = await perform(lasting_points, [Issued(command, CAUSE)])
            return f"{outcome.refusal.code}, 0 available" if outcome.refusal else "won"
        try:
            await perform_one(lasting_points, command, CAUSE)
        except Rejected as refusal:
            return f"{refusal.code}, {refusal.facts['available']} available"
        return "won"

    ends = Counter(await asyncio.gather(*(race(number) for number in range(100))))
    assert ends == {"won": 7, "not-enough-points, 0 available": 93}
    assert sum(e.points for e in await said(lasting_points, who, PointsRedeemed)) == 7


async def test_a_hold_is_given_back_by_its_timer_once(lasting_points: Running) -> None:
    who, now = await member(lasting_points, 700), datetime.now(UTC)
    until = now + timedelta(seconds=1)
    for number, command in enumerate((HoldPoints, HoldPoints, HoldPoints)):
        held = command(at=now, customer_id=who, hold_id=uuid5(who, str(number)), points=2, until=until)
        await perform_one(lasting_points, held, CAUSE)
    await perform_one(lasting_points, CapturePoints(at=now, customer_id=who, hold_id=uuid5(who, "0"), points=2), CAUSE)
    await asyncio.sleep(1.5)
    while await fire(lasting_points):
        pass
    released = await said(lasting_points, who, HoldReleased)
    assert [(e.why, e.at, e.points) for e in released] == [(Release.LAPSED, until, 2)] * 2
    assert released[-1].balance == 5
    assert await lasting_points.pool.fetchval("SELECT count(*) FROM timer WHERE fired_at IS NULL") == 0
    assert await lasting_points.pool.fetchval("SELECT count(*) FROM refused") == 0


async def test_an_account_of_ten_thousand_receipts_is_a_small_row_and_expires_in_chunks(
    loyalty_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, BEGIN)
    who = uuid4()
    await publish(loyalty_points, AfterDays(days=366))
    await loyalty_points.pool.execute(_RECEIPTS, who, BEGIN.date(), BEGIN, MANY)
    await perform_one(loyalty_points, StartEarning(at=BEGIN, customer_id=who, joined_order=""), CAUSE)
    assert await loyalty_points.pool.fetchval(_SIZE, who) < 8_000
    redeem = RedeemPoints(at=BEGIN, customer_id=who, redemption_id=uuid4(), points=99 * 30)
    await perform_one(loyalty_points, redeem, CAUSE)
    (spent,) = await said(loyalty_points, who, PointsRedeemed)
    assert len(spent.lots) == 30

    set_clock(monkeypatch, BEGIN + 1000 * DAY)
    looks = 0
    while await look(loyalty_points):
        looks += 1
    assert looks == (MANY - 30 + 499) // 500
    over = await said(loyalty_points, who, PointsExpired)
    assert max(len(event.lots) for event in over) <= 500
    assert sum(event.points for event in over) == 99 * (MANY - 30)
    row = await loyalty_points.pool.fetchrow(_LEFT, who)
    assert row
    assert tuple(row) == (0, 99 * (MANY - 30), MANY)
    assert await loyalty_points.pool.fetchval(_SIZE, who) < 1_000


async def test_lots_expire_while_another_accounts_sale_is_under_way(
    loyalty_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, BEGIN)
    await publish(loyalty_points, AfterDays(days=3))
    busy, idle = await member(loyalty_points, 700), await member(loyalty_points, 500)
    set_clock(monkeypatch, BEGIN + 30 * DAY)
    async with loyalty_points.pool.acquire() as tx, tx.transaction():
        await tx.execute("SELECT FROM stream WHERE id = $1 FOR NO KEY UPDATE", busy)
        await asyncio.wait_for(look(loyalty_points), 5)
        assert [event.points for event in await said(loyalty_points, idle, PointsExpired)] == [5]
        assert await said(loyalty_points, busy, PointsExpired) == []
    while await look(loyalty_points):
        pass
    assert [event.points for event in await said(loyalty_points, busy, PointsExpired)] == [7]


async def test_a_notice_is_said_once_thirty_and_seven_days_before(
    loyalty_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, BEGIN)
    await publish(loyalty_points, AfterMonths(months=2))
    who = await member(loyalty_points, 700)
    over_at = datetime(2026, 6, 1, 4, tzinfo=UTC)
    seen = []
    for days in (31, 30, 29, 8, 7, 6):
        set_clock(monkeypatch, over_at - days * DAY)
        for _ in range(2):
            await asyncio.gather(look(loyalty_points), look(loyalty_points))
        seen.append([(e.days, e.points, e.expires_at) for e in await said(loyalty_points, who, ExpiryNoticed)])
    first, second = (30, 7, over_at), (7, 7, over_at)
    assert seen == [[], [first], [first], [first], [first, second], [first, second]]


async def test_a_notice_that_was_missed_is_not_made_up_for_and_of_nothing_nothing_is_said(
    loyalty_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, BEGIN)
    await publish(loyalty_points, AfterMonths(months=2))
    late, spent = await member(loyalty_points, 700), await member(loyalty_points, 700)
    redeem = RedeemPoints(at=BEGIN, customer_id=spent, redemption_id=uuid4(), points=7)
    await perform_one(loyalty_points, redeem, CAUSE)
    set_clock(monkeypatch, datetime(2026, 5, 30, 4, tzinfo=UTC))
    while await look(loyalty_points):
        pass
    assert [e.days for e in await said(loyalty_points, late, ExpiryNoticed)] == [7]
    assert await said(loyalty_points, spent, ExpiryNoticed) == []


async def test_points_booked_after_a_notice_was_due_are_not_noticed_so_long_before(
    loyalty_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, datetime(2026, 5, 10, 4, tzinfo=UTC))
    await publish(loyalty_points, AfterMonths(months=2))
    who = await member(loyalty_points, 700)
    assert await look(loyalty_points) is False
    set_clock(monkeypatch, datetime(2026, 5, 25, 5, tzinfo=UTC))
    await look(loyalty_points)
    assert [e.days for e in await said(loyalty_points, who, ExpiryNoticed)] == [7]


async def test_points_that_never_expire_are_left_alone(
    loyalty_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, BEGIN)
    await publish(loyalty_points, Never())
    who = await member(loyalty_points, 700)
    hold = HoldPoints(at=BEGIN, customer_id=who, hold_id=uuid4(), points=3, until=BEGIN + DAY)
    await perform_one(loyalty_points, hold, CAUSE)
    set_clock(monkeypatch, BEGIN + 9000 * DAY)
    assert await look(loyalty_points) is False
    assert [e.balance for e in await said(loyalty_points, who, PointsHeld)] == [4]
