"""The views of headquarters: every event once, in whatever order the services are heard; and a branch sees its own."""

import random
from datetime import timedelta

import pytest

from contracts import pos
from services.projection.views import customers, sales
from services.projection.views.chain import faults, gaps
from services.projection.views.snapshot import snapshot
from shared.applying import Applier
from shared.channel import Link, Place
from shared.cloudevent import Arrival
from shared.message import BEGINNING, Envelope, Position, Vocabulary
from shared.running import Running
from shared.scope import ALL
from tests.services.projection.news import RECORDED, STORY, told
from tests.services.projection.news import shuffled as any_order
from tests.services.projection.tables import forget, hear, rows

SEEDS = range(12)


async def order_matters(running: Running) -> bool:
    """Return whether some order and batching of the story leaves other rows than a fresh fold in one piece."""
    envelopes = told(STORY)
    await forget(running)
    await hear(running, envelopes)
    wanted = await rows(running)
    for seed in SEEDS:
        await forget(running)
        await hear(running, *any_order(envelopes, random.Random(seed)))
        if await rows(running) != wanted:
            return True
    return False


async def test_any_order_of_the_news_leaves_the_rows_of_a_fresh_fold(headquarters: Running) -> None:
    assert not await order_matters(headquarters)


@pytest.mark.parametrize(
    ("module", "statement", "right", "wrong"),
    [
        (sales, "_DAYS", "d.gross_minor + excluded.gross_minor", "excluded.gross_minor"),
        (sales, "_CUSTOMERS", "least(c.first_at, excluded.first_at)", "excluded.first_at"),
        (customers, "_CUSTOMERS", "least(c.member_since, excluded.member_since)", "excluded.member_since"),
    ],
)
async def test_a_view_that_forgets_what_it_knew_is_found(
    headquarters: Running, monkeypatch: pytest.MonkeyPatch, module: object, statement: str, right: str, wrong: str
) -> None:
    planted = getattr(module, statement).replace(right, wrong)
    assert planted != getattr(module, statement)
    monkeypatch.setattr(module, statement, planted)
    assert await order_matters(headquarters)


def _arrivals(envelopes: list[Envelope]) -> list[Arrival]:
    """Return the tills' news as one partition of their topic brings it."""
    return [
        Arrival(
            word=Link(Position(1, number), Position(1, number - 1) if number > 1 else BEGINNING),
            part=0,
            offset=number,
            key=str(envelope.key),
            headers={
                "ce_type": f"branchline.pos.{envelope.event.name}.v1".encode(),
                "ce_id": envelope.id.encode(),
                "ce_correlationid": b"test",
                "ce_causationid": b"test",
            },
            body=envelope.event.model_dump_json().encode(),
            recorded_at=RECORDED,
        )
        for number, envelope in enumerate(envelopes, 1)
    ]


async def _through_the_fence(running: Running, times: int) -> dict[str, list[str]]:
    """Return the rows after the tills' news were brought this many times."""
    await forget(running)
    await running.pool.execute("DELETE FROM consumed")
    assert running.service.views
    applier = Applier(running, "test", "pos", Vocabulary(pos.EVENTS), running.service.views.project)
    async with running.pool.acquire() as tx, tx.transaction():
        await applier.fence.place(tx, {0: Place(BEGINNING, 0)})
    arrivals = _arrivals([e for e in told(STORY) if isinstance(e.event, pos.EVENTS)])
    for _ in range(times):
        assert await applier.take(arrivals) == {}
    return await rows(running)


async def test_news_told_twice_through_the_fence_counts_once(headquarters: Running) -> None:
    assert await _through_the_fence(headquarters, 2) == await _through_the_fence(headquarters, 1)


async def test_without_the_fence_news_told_twice_would_count_twice(headquarters: Running) -> None:
    envelopes = [e for e in told(STORY) if isinstance(e.event, pos.SaleRefunded | pos.VisitCheckedIn)]
    await hear(headquarters, envelopes)
    once = await rows(headquarters)
    await hear(headquarters, envelopes)
    assert await rows(headquarters) != once


async def test_a_till_shows_what_is_still_missing(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    async with snapshot(headquarters.pool, ALL) as tx:
        (gap,) = await gaps(tx, 10)
        told_wrong = await faults(tx, 10)
    assert (gap.till, gap.runs, gap.numbers) == ("TOR1-1", ((4, 4), (7, 8)), 3)
    assert {(fault.kind, fault.code) for fault in told_wrong} == {("flagged", "seq-reused"), ("parked", "malformed")}


async def test_a_gap_that_closes_whole_is_gone(headquarters: Running) -> None:
    opened = pos.TillGapOpened(at=RECORDED, branch="TOR1", till="TOR1-1", first=4, last=8)
    closed = pos.TillGapClosed(**dict(opened))
    await hear(headquarters, told([opened, closed]))
    async with snapshot(headquarters.pool, ALL) as tx:
        assert await gaps(tx, 10) == []


async def test_a_branch_is_what_was_said_last_even_by_a_clock_that_is_behind(headquarters: Running) -> None:
    first = pos.BranchDescribed(at=RECORDED, branch="TOR1", title="Toronto", zone="America/Toronto", region="east")
    then = first.model_copy(update={"at": RECORDED - timedelta(seconds=3), "title": "Queen Street"})
    await hear(headquarters, told([first]), told([then], after=1))
    async with snapshot(headquarters.pool, ALL) as tx:
        assert [row["title"] for row in await tx.fetch("SELECT title FROM branch")] == ["Queen Street"]


async def test_a_branch_sees_its_own_rows_and_a_reader_of_none_sees_nothing(headquarters: Running) -> None:
    await hear(headquarters, told(STORY))
    seen = {}
    for scope in ("TOR1", "", "SHA1", ALL):
        async with snapshot(headquarters.pool, scope) as tx:
            seen[scope] = {row["branch"] for row in await tx.fetch("SELECT branch FROM receipt_day")}
    assert seen == {"TOR1": {"TOR1"}, "": set(), "SHA1": {"SHA1"}, ALL: {"TOR1", "SHA1", "LON1"}}


_UNGUARDED = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'branch'
WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
"""


async def test_every_table_with_a_branch_has_row_security(headquarters: Running) -> None:
    views = f"{headquarters.settings.schema('projection')}_views"
    assert await headquarters.pool.fetch(_UNGUARDED, views) == []
    await headquarters.pool.execute("CREATE TABLE planted (branch text)")
    assert [row["relname"] for row in await headquarters.pool.fetch(_UNGUARDED, views)] == ["planted"]
