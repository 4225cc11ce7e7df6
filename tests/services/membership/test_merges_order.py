"""Receipts and a merge, in any order in which they can be heard."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

from services.membership.domain import CountSale
from services.membership.merging import MergeCustomer, TakeInCustomer
from shared.message import Cause, Command, Issued
from shared.performing import perform
from shared.running import Running

CAUSE = Cause("a test", "a test")


async def test_in_whatever_order_receipts_and_the_merge_are_heard_she_joins_and_counts_the_same(
    membership: Running,
) -> None:
    now = datetime.now(UTC)
    merged_at = now - timedelta(days=2)
    ends = set()
    for order in (one for one in permutations(range(4)) if one.index(3) < one.index(1)):  # nothing is heard early
        mei, li = uuid4(), uuid4()
        told: list[list[Command]] = [
            [bought(mei, 60_000, merged_at - timedelta(days=1))],
            [bought(mei, 70_000, merged_at + timedelta(days=1))],
            [bought(li, 100, merged_at - timedelta(days=3))],
            [
                MergeCustomer(at=merged_at, customer_id=mei, into=li, reason="same-phone"),
                TakeInCustomer(at=merged_at, customer_id=li, given_up=mei),
            ],
        ]
        for place in order:
            await perform(membership, [Issued(command, CAUSE) for command in told[place]])
        async with membership.pool.acquire() as tx:
            _, customer = await membership.handler.state(tx, "customer", li)
            spend = await tx.fetchval("SELECT sum(left_minor)::bigint FROM spend WHERE owner = $1", li)
        joined = [at and (at - now).days for at in (customer.joined_at, customer.others[0].joined_at)]
        ends.add((spend, *joined, customer.is_member))
    assert ends == {(130_100, -1, -3, True)}


def bought(who: UUID, net_minor: int, at: datetime) -> CountSale:
    return CountSale(at=at, customer_id=who, sale_id=uuid4(), branch="TOR1", order=at.isoformat(), lines={1: net_minor})
