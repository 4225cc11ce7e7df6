"""On Postgres the ledger has the books of the oracle, too, whatever goes together in one batch."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.loyalty_points.domain import Account
from services.loyalty_points.guards import lots
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.running import Running
from tests.services.loyalty_points.acts import Act, Tale, batches, tales, tell
from tests.services.loyalty_points.clock import set_clock
from tests.services.loyalty_points.oracle import Oracle
from tests.services.loyalty_points.test_ledger import check_account

CAUSE = Cause("tale", "tale")
REAL = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
_LOTS = "SELECT * FROM lot WHERE customer_id = $1"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what sets the ledger's clock."""
    return monkeypatch


async def keep(running: Running, clock: pytest.MonkeyPatch, tale: Tale, sizes: list[int]) -> None:
    """Do the tale in batches; hold when each refusal, and the books after each batch, are the oracle's."""
    oracle, who = tale.oracle(), uuid4()
    for batch in batches(tale, sizes):
        wished = [tell(act, tale, oracle, who) for act in batch]
        set_clock(clock, oracle.now)
        told = [(Issued(command, CAUSE), code) for command, code in wished if command]
        outcomes = await perform(running, [issued for issued, _ in told])
        assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [code for _, code in told]
        await check_books(running, who, oracle)


async def check_books(running: Running, who: UUID, oracle: Oracle) -> None:
    async with running.pool.acquire() as tx:
        _, account = await running.handler.state(tx, "account", who)
        rows = await tx.fetch(_LOTS, who)
    check_account(account or Account(), list(lots.by_customer(rows)[who].values()), oracle)


async def publish(running: Running, tale: Tale) -> None:
    """Let the tale's terms hold when its sales are made, whatever held before."""
    terms: dict[str, Any] = tale.terms.model_dump(mode="json")
    await perform_one(running, PublishPolicy(at=datetime.now(UTC), terms=terms), CAUSE)


@pytest.mark.parametrize(("days", "pending_days"), [(None, 0), (3, 0), (3, 2), (0, 2)])
async def test_random_batches_keep_the_books_of_the_oracle(
    loyalty_points: Running, clock: pytest.MonkeyPatch, days: int | None, pending_days: int
) -> None:
    await publish(loyalty_points, Tale((), days, pending_days, ()))

    @REAL
    @given(tales(), st.lists(st.integers(1, 6), max_size=8))
    def collect(tale: Tale, sizes: list[int]) -> None:
        drawn.append((Tale(tale.sales, days, pending_days, tale.acts), sizes))

    drawn: list[tuple[Tale, list[int]]] = []
    collect()
    for tale, sizes in drawn:
        await keep(loyalty_points, clock, tale, sizes)


async def test_on_postgres_a_planted_bug_is_seen(loyalty_points: Running, clock: pytest.MonkeyPatch) -> None:
    """The window that brings lots in another order than that in which they are drawn on."""
    await publish(loyalty_points, Tale((), 9, 0, ()))
    wrong = lots._TO_DRAW.replace("expires_at, earned_at, lot_id)", "expires_at DESC, earned_at, lot_id)")
    assert wrong != lots._TO_DRAW
    clock.setattr(lots, "_TO_DRAW", wrong)
    acts = (
        Act("join", 0),
        Act("sell", 0),
        Act("wait", 0, 72),
        Act("sell", 1),
        Act("redeem", 0, 3),
        Act("wait", 0, 200),
    )
    tale = Tale(((0, 1000), (72, 1000), (300, 0)), 9, 0, acts)
    with pytest.raises(AssertionError):
        await keep(loyalty_points, clock, tale, [])
