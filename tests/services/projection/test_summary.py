"""The chain's figures, worked out by hand from the story: three branches in three zones, three days."""

from datetime import date
from typing import Any

import pytest

from services.projection.views.customer import customer_view
from services.projection.views.snapshot import snapshot
from services.projection.views.summary import Summary, summary
from shared.errors import Missing
from shared.running import Running
from shared.scope import ALL
from tests.services.projection.news import ANNE, BO, CHEN, RECORDED, STORY, named, told
from tests.services.projection.tables import hear

POINTS = ("earned", "taken_back", "redeemed", "expired")


async def _summary(running: Running, first: date | None = None, last: date | None = None, scope: str = ALL) -> Summary:
    async with snapshot(running.pool, scope) as tx:
        return await summary(tx, first, last)


def _parts(told_of: Any, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(told_of, name) for name in names)


async def test_the_figures_of_the_whole_chain(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    whole = await _summary(headquarters)
    assert _parts(whole, "currency", "receipts", "lines") == ("CAD", 5, 7)
    assert _parts(whole, "gross_minor", "refunded_minor", "net_minor") == (51_200, 1_500, 49_700)
    assert _parts(whole, "customers", "members") == (2, 1)  # Chen only looked in
    assert whole.points.model_dump() == {
        "earned": 400,
        "taken_back": 15,
        "redeemed": 50,
        "expired": 30,
        "outstanding": 305,
    }
    assert whole.as_of is not None
    assert RECORDED < whole.as_of < whole.read_at


async def test_a_branch_counts_its_own_and_names_itself(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    london, shanghai, toronto = (await _summary(headquarters)).branches
    assert _parts(toronto, "code", "title", "zone", "region") == ("TOR1", "Toronto", "America/Toronto", "tor")
    figures = ("receipts", "gross_minor", "refunded_minor", "customers", "members")
    assert _parts(toronto, *figures) == (3, 40_700, 1_500, 2, 1)
    assert _parts(shanghai, *figures) == (1, 8_000, 0, 1, 0)
    assert _parts(london, *figures) == (1, 2_500, 0, 0, 0)
    assert [b.points.outstanding for b in (london, shanghai, toronto)] == [0, 50, 255]


async def test_a_day_is_the_branchs_own_and_a_refund_counts_on_its_day(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    days = (await _summary(headquarters)).days
    figures = ("on", "receipts", "gross_minor", "refunded_minor", "members")
    assert [_parts(day, *figures) for day in days] == [
        (date(2026, 11, 19), 1, 20_000, 0, 1),
        (date(2026, 11, 20), 3, 23_200, 1_000, 0),
        (date(2026, 11, 21), 1, 8_000, 500, 0),  # the evening of the 20th in Toronto is the 21st in Shanghai
    ]
    assert [_parts(day.points, *POINTS) for day in days] == [(200, 0, 0, 0), (120, 15, 50, 0), (80, 0, 0, 30)]


async def test_a_span_of_days_has_both_its_ends_and_outstanding_counts_from_the_beginning(
    headquarters: Running,
) -> None:
    await hear(headquarters, told(STORY))
    span = await _summary(headquarters, date(2026, 11, 20), date(2026, 11, 20))
    assert _parts(span, "receipts", "net_minor", "customers", "members") == (3, 22_200, 2, 0)
    assert span.points.model_dump() == {
        "earned": 120,
        "taken_back": 15,
        "redeemed": 50,
        "expired": 0,
        "outstanding": 255,
    }
    assert [day.on for day in span.days] == [date(2026, 11, 20)]


async def test_days_and_branches_add_up_to_the_whole(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    whole = await _summary(headquarters)
    for name in ("receipts", "lines", "gross_minor", "refunded_minor", "net_minor", "members"):
        total = getattr(whole, name)
        assert sum(getattr(branch, name) for branch in whole.branches) == total
        assert sum(getattr(day, name) for day in whole.days) == total


async def test_staff_see_the_figures_of_their_branch(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    own = await _summary(headquarters, scope="SHA1")
    assert _parts(own, "receipts", "net_minor", "customers") == (1, 8_000, 1)
    assert [branch.code for branch in own.branches] == ["SHA1"]


async def test_before_anything_is_heard_the_figures_are_nothing_and_say_so(headquarters: Running) -> None:
    empty = await _summary(headquarters)
    assert _parts(empty, "currency", "receipts", "net_minor", "days", "as_of") == (None, 0, 0, (), None)


async def test_a_customer_is_one_across_branches(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    async with snapshot(headquarters.pool, ALL) as tx:
        anne = await customer_view(tx, ANNE, ALL)
    assert _parts(anne, "member", "tier", "visits", "receipts", "spend_minor") == (True, "silver", 3, 4, 39_200)
    assert anne.points.model_dump() == {"balance": 305, "pending": 0, "debt": 0} | {
        "earned": 400,
        "taken_back": 15,
        "redeemed": 50,
        "expired": 30,
    }
    assert [(b.code, b.visits, b.spend_minor) for b in anne.branches] == [("SHA1", 1, 8_000), ("TOR1", 2, 31_200)]
    assert [m.outcome for m in anne.messages] == ["sent"]
    assert anne.member_since == anne.first_visit_at


async def test_staff_see_a_customers_standing_and_the_visits_to_their_own_branch(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    async with snapshot(headquarters.pool, "SHA1") as tx:
        anne = await customer_view(tx, ANNE, "SHA1")
    assert _parts(anne, "scope", "tier", "visits", "spend_minor") == ("SHA1", "silver", 1, 8_000)


async def test_who_only_looked_in_is_known_and_who_never_came_is_not(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    async with snapshot(headquarters.pool, ALL) as tx:
        chen, bo = await customer_view(tx, CHEN, ALL), await customer_view(tx, BO, ALL)
        with pytest.raises(Missing):
            await customer_view(tx, named("nobody"), ALL)
    assert _parts(chen, "member", "visits", "receipts", "registered_at") == (False, 1, 0, None)
    assert [m.outcome for m in bo.messages] in (["failed", "unknown"], ["unknown", "failed"])
