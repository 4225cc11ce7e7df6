"""What is owed as a view: row by row a fresh fold of the lots; headquarters sees it all, and a branch its own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.loyalty_points import views
from services.loyalty_points.app import app
from services.loyalty_points.domain import CountReceipt, RedeemPoints
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from shared.message import Cause, Issued
from shared.parts import serving
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.postgres import Tx
from shared.running import Running
from tests.services.loyalty_points.acts import SALES, Tale, batches, tales, tell
from tests.services.loyalty_points.asking import ask, hear
from tests.services.loyalty_points.clock import set_clock
from tests.services.stories import joining, sale

CAUSE = Cause("a test", "a test")
_DIFFERENT = """
WITH lots AS (
  SELECT branch, date_trunc('month', earned_on)::date AS month, sum(points) AS earned, sum(repaid) AS repaid,
    sum(taken_back) AS taken_back, sum(expired) AS expired, sum(drawn) AS drawn, sum(rest) AS rest
  FROM lot GROUP BY 1, 2
), held AS (
  SELECT part ->> 'branch' AS branch, date_trunc('month', (part ->> 'on')::date)::date AS month,
    sum((part ->> 'points')::bigint) AS held
  FROM hold CROSS JOIN jsonb_array_elements(lots) AS part WHERE ended IS NULL GROUP BY 1, 2
), fold AS (
  SELECT branch, month, earned::bigint, repaid::bigint, taken_back::bigint, (drawn - coalesce(held, 0))::bigint,
    expired::bigint, coalesce(held, 0)::bigint, (rest + coalesce(held, 0))::bigint
  FROM lots LEFT JOIN held USING (branch, month)
)
(SELECT 'too much' AS what, l::text AS row FROM (TABLE liability EXCEPT ALL TABLE fold) AS l)
UNION ALL (SELECT 'missing', l::text FROM (TABLE fold EXCEPT ALL TABLE liability) AS l)
"""


async def different(tx: Tx, told: list[Any]) -> list[Any]:
    """Return the rows in which the view, filled from these events, and the lots differ."""
    assert app.views
    await tx.execute(app.views.sql.read_text())
    await views.project(tx, told)
    return await tx.fetch(_DIFFERENT)


async def folded(running: Running, customers: list[UUID]) -> list[Any]:
    """Return where they differ, of a view that is never kept."""
    told = []
    async with running.pool.acquire() as tx:
        for who in customers:
            told += await running.handler.history(tx, "account", who)
        folding = tx.transaction()
        await folding.start()
        try:
            return await different(tx, told)
        finally:
            await folding.rollback()


async def keep(running: Running, clock: pytest.MonkeyPatch, tale: Tale, sizes: list[int]) -> UUID:
    """Return the customer of whom the tale was done."""
    oracle, who = tale.oracle(), uuid4()
    for batch in batches(tale, sizes):
        wished = [(act, tell(act, tale, oracle, who)[0]) for act in batch]
        set_clock(clock, oracle.now)
        moved = [
            command.model_copy(update={"branch": f"TOR{act.number % SALES % 2}"})
            if isinstance(command, CountReceipt | RedeemPoints)
            else command
            for act, command in wished
            if command
        ]
        await perform(running, [Issued(command, CAUSE) for command in moved])
    return who


def drawn(examples: int) -> list[tuple[Tale, list[int]]]:
    found: list[tuple[Tale, list[int]]] = []

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(tales(), st.lists(st.integers(1, 6), max_size=8))
    def collect(tale: Tale, sizes: list[int]) -> None:
        found.append((Tale(tale.sales, 3, 2, tale.acts), sizes))

    collect()
    return found


async def test_the_view_is_a_fresh_fold_of_the_lots(loyalty_points: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    terms: dict[str, Any] = Tale((), 3, 2, ()).terms.model_dump(mode="json")
    await perform_one(loyalty_points, PublishPolicy(at=datetime.now(UTC), terms=terms), CAUSE)
    customers: list[UUID] = []
    for tale, sizes in drawn(25):
        customers.append(await keep(loyalty_points, monkeypatch, tale, sizes))
        assert await folded(loyalty_points, customers) == []
    monkeypatch.setattr(views, "moved", lambda event: [])
    assert await folded(loyalty_points, customers)


async def test_headquarters_sees_what_is_owed_and_a_branch_its_own(loyalty_points: Running) -> None:
    who, march = uuid4(), datetime(2026, 3, 2, 15, tzinfo=UTC)
    later = march + timedelta(days=1)
    terms = Terms(expiry=Never(), point_minor=3).model_dump(mode="json")
    await perform_one(loyalty_points, PublishPolicy(at=datetime.now(UTC), terms=terms), CAUSE)
    first, second = sale("1", (who, 1_000), at=march), sale("2", (who, 500), at=later, branch="TOR2", till="TOR2-1")
    await hear(loyalty_points, first, joining(first, who), second)
    redeemed = RedeemPoints(at=march, customer_id=who, redemption_id=uuid4(), points=12, branch="TOR2")
    async with serving(app, loyalty_points.settings, parts=("sequencer", "views", "http")) as running:
        await perform_one(running, redeemed, CAUSE)
        told: dict[str, Any] = {}
        while told.get("behind") != 0 or told["outstanding"] == 15:
            told = (await ask(running, "liability", "headquarters")).json()
        rows = [(row["branch"], row["month"], row["outstanding"], row["minor"]) for row in told["liability"]]
        assert rows == [("TOR1", "2026-03", 0, 0), ("TOR2", "2026-03", 3, 9)]
        assert (told["outstanding"], told["minor"], told["point_minor"]) == (3, 9, 3)
        crossing = {"payer": "TOR1", "payee": "TOR2", "month": f"{march:%Y-%m}", "points": 10, "minor": 30}
        assert told["between"] == [crossing]
        assert datetime.fromisoformat(told["as_of"]) <= datetime.fromisoformat(told["read_at"])
        for branch, own_rows in (("TOR1", ["TOR1"]), ("TOR2", ["TOR2"]), ("LON1", [])):
            own = (await ask(running, "liability", of_branch=branch)).json()
            assert [row["branch"] for row in own["liability"]] == own_rows
            assert len(own["between"]) == len(own_rows)
        assert (await ask(running, "liability", branch="TOR1", month="2026-04")).json()["liability"] == []
        assert (await ask(running, "liability", "headquarters", month="2026-03")).json()["outstanding"] == 3
        await wrong(running)


TABLE: dict[str, dict[str, str]] = {
    "a month that is none": {"month": "2026-13"},
    "a day for a month": {"month": "2026-03-01"},
    "a month before all chains": {"month": "1999-12"},
    "a month in words": {"month": "March"},
    "a branch of no end": {"branch": "T" * 41},
    "a branch with a nul": {"branch": "T\0"},
}


async def wrong(running: Running) -> None:
    """Each wrong question has its code."""
    for what, asked in TABLE.items():
        answer = await ask(running, "liability", "headquarters", **asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), what
    assert (await ask(running, "liability", "till")).status_code == 403
