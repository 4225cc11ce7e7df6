"""Coupons on Postgres: limits under a race, locks that end by a timer, expiry some at a time."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.loyalty_points import CouponExpired, CouponIssued
from services.loyalty_points.coupon.domain import (
    CouponCommand,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
    VoidCoupon,
)
from services.loyalty_points.coupon.expiring import look
from services.loyalty_points.coupon.issuing import IssueCoupon
from services.loyalty_points.coupon.known import one
from services.loyalty_points.offer.domain import WordOffer, offer_id
from services.loyalty_points.offer.terms import OfferTerms
from shared.errors import Rejected
from shared.message import Issued
from shared.performing import perform, perform_one
from shared.running import Running
from shared.timers import fire
from tests.services.loyalty_points.calling import CAUSE
from tests.services.loyalty_points.coupon.stories import OFFER, terms

_COUNTS = (
    "SELECT issued, (SELECT sum(taken)::bigint FROM coupon_taken), (SELECT count(*) FROM coupon) FROM coupon_offer"
)

_SOMEBODY_WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


async def word(running: Running, told: OfferTerms) -> None:
    command = WordOffer(at=datetime.now(UTC), offer_id=offer_id(OFFER), code=OFFER, terms=told)
    await perform_one(running, command, CAUSE)


def issuing(who: UUID, at: datetime | None = None) -> IssueCoupon:
    return IssueCoupon(at=at or datetime.now(UTC), customer_id=who, coupon_id=uuid4(), offer_id=offer_id(OFFER))


async def status(running: Running, coupon_id: UUID, at: datetime | None = None) -> str:
    async with running.pool.acquire() as tx:
        _, coupon = await running.handler.state(tx, "coupon", coupon_id)
    return str(coupon.status(at or datetime.now(UTC)))


async def test_of_many_who_race_for_the_last_coupons_just_so_many_get_one(loyalty_points: Running) -> None:
    await word(loyalty_points, terms(total=7, per_person=2))
    people = [uuid4() for _ in range(3)]

    async def race(number: int) -> str:
        try:
            await perform_one(loyalty_points, issuing(people[number % 3]), CAUSE)
        except Rejected as refusal:
            return refusal.code
        return "issued"

    assert Counter(await asyncio.gather(*(race(n) for n in range(24)))) == {
        "issued": 6,
        "offer-exhausted-for-customer": 18,
    }
    row = await loyalty_points.pool.fetchrow(_COUNTS)
    assert row
    assert tuple(row) == (6, 6, 6)


async def test_a_coupon_that_is_asked_for_while_the_offer_is_worded_is_issued_by_the_new_words(
    loyalty_points: Running,
) -> None:
    await word(loyalty_points, terms())
    coupon = issuing(uuid4())
    order = WordOffer(at=datetime.now(UTC), offer_id=offer_id(OFFER), code=OFFER, terms=terms(per_person=1))
    async with loyalty_points.pool.acquire() as tx, tx.transaction():
        await loyalty_points.handler.handle(tx, [Issued(order, CAUSE)])
        asking = asyncio.create_task(perform_one(loyalty_points, coupon, CAUSE))
        while not await loyalty_points.pool.fetchval(_SOMEBODY_WAITS):
            await asyncio.sleep(0.01)
    (told,) = (await asking).events
    assert isinstance(told.event, CouponIssued)
    assert told.event.offer_version == 2


async def test_one_batch_counts_its_own_coupons_and_not_those_that_it_refuses(loyalty_points: Running) -> None:
    await word(loyalty_points, terms(total=3, per_person=1))
    mei, li = uuid4(), uuid4()
    batch = [issuing(mei), issuing(mei), issuing(li), issuing(uuid4()), issuing(uuid4())]
    outcomes = await perform(loyalty_points, [Issued(command, CAUSE) for command in batch])
    assert [o.refusal.code if o.refusal else None for o in outcomes] == [
        None,
        "offer-exhausted-for-customer",
        None,
        None,
        "offer-exhausted",
    ]


async def test_a_lock_ends_by_its_timer(loyalty_points: Running) -> None:
    await word(loyalty_points, terms())
    coupon, now = issuing(uuid4()), datetime.now(UTC)
    await perform_one(loyalty_points, coupon, CAUSE)
    for seconds in (0.4, 0.5):
        told: dict[str, Any] = {"customer_id": coupon.customer_id, "coupon_id": coupon.coupon_id}
        lock = LockCoupon(at=now, **told, session_id=uuid4(), until=now + timedelta(seconds=seconds))
        if seconds == 0.4:
            await perform_one(loyalty_points, lock, CAUSE)
        else:
            with pytest.raises(Rejected, match="coupon-locked"):
                await perform_one(loyalty_points, lock, CAUSE)
    await asyncio.sleep(0.6)
    while await fire(loyalty_points):
        pass
    async with loyalty_points.pool.acquire() as tx:
        told_names = [e.event.name for e in await loyalty_points.handler.history(tx, "coupon", coupon.coupon_id)]
    assert told_names == ["CouponIssued", "CouponLocked", "CouponUnlocked"]
    assert await loyalty_points.pool.fetchval("SELECT count(*) FROM refused") == 0


async def test_coupons_expire_some_at_a_time_each_once_and_who_comes_later_does_the_rest(
    loyalty_points: Running,
) -> None:
    await word(loyalty_points, terms(valid_days=1))
    long_ago = datetime.now(UTC) - timedelta(days=9)
    old = [issuing(uuid4(), at=long_ago) for _ in range(5)]
    fresh = issuing(uuid4())
    await perform(loyalty_points, [Issued(command, CAUSE) for command in [*old, fresh]])
    async with loyalty_points.pool.acquire() as tx, tx.transaction():
        await tx.execute("SELECT FROM stream WHERE id = $1 FOR NO KEY UPDATE", old[0].coupon_id)
        assert await look(loyalty_points, at_once=3)
        assert await look(loyalty_points, at_once=3)
        assert not await look(loyalty_points, at_once=3)
    assert await look(loyalty_points)
    assert not await look(loyalty_points)
    for coupon in old:
        async with loyalty_points.pool.acquire() as tx:
            *_, last = await loyalty_points.handler.history(tx, "coupon", coupon.coupon_id)
        assert isinstance(last.event, CouponExpired)
        assert (last.version, last.event.at) == (2, long_ago + timedelta(days=1))
    assert await status(loyalty_points, fresh.coupon_id) == "active"


async def test_the_table_says_of_a_coupon_what_its_stream_says_after_every_act(loyalty_points: Running) -> None:
    await word(loyalty_points, terms())
    coupon, now, basket_id = issuing(uuid4()), datetime.now(UTC), uuid4()
    told: dict[str, Any] = {"at": now, "customer_id": coupon.customer_id, "coupon_id": coupon.coupon_id}
    lock = LockCoupon(**told, session_id=basket_id, until=now + timedelta(hours=1))
    acts: tuple[CouponCommand, ...] = (
        coupon,
        lock,
        UnlockCoupon(**told, session_id=basket_id),
        lock,
        RedeemCoupon(**told, basket_id=basket_id),
        RollBackCoupon(**told, basket_id=basket_id),
        lock,
        VoidCoupon(**told, reason="our-mistake"),
    )
    seen = []
    for act in acts:
        await perform_one(loyalty_points, act, CAUSE)
        async with loyalty_points.pool.acquire() as tx:
            _, state = await loyalty_points.handler.state(tx, "coupon", coupon.coupon_id)
            found = await one(tx, coupon.coupon_id)
        assert found
        assert found.coupon == replace(state, undone_id=None)
        seen.append(found.coupon.status(now))
    assert seen == ["active", "locked", "active", "locked", "redeemed", "active", "locked", "voided"]
