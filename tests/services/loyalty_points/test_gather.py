"""However many commands come together, what their rules must know is brought in as many statements."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from services.loyalty_points import guards
from services.loyalty_points.domain import (
    AccountCommand,
    AwardPoints,
    CountReceipt,
    CountRefund,
    HoldPoints,
    NoteBirthdayMonth,
    NoteTier,
    RecountReceipts,
    StartEarning,
)
from services.loyalty_points.reactions import react
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.postgres import Tx
from shared.running import Running
from tests.services.loyalty_points.earning_stories import TERMS
from tests.services.stories import FIRST_DAY, joining, refund, sale

CAUSE = Cause("a test", "a test")
KINDS = (CountReceipt, CountRefund, NoteTier, NoteBirthdayMonth, StartEarning, RecountReceipts, AwardPoints, HoldPoints)


class Counting:
    """A transaction that counts what is asked of it."""

    def __init__(self, tx: Any) -> None:
        self.tx, self.asked = tx, 0

    def __getattr__(self, name: str) -> Any:
        self.asked += name in ("fetch", "fetchrow", "fetchval", "execute", "executemany")
        return getattr(self.tx, name)


def commands(count: int) -> Sequence[AccountCommand]:
    """Return commands of all kinds, each of another customer."""
    now, told = datetime.now(UTC), list[AccountCommand]()
    for _ in range(count):
        who = uuid4()
        bought = sale(str(who), (who, 1_000))
        for news in (bought, refund(bought, (1, 100, 900)), joining(bought, who)):
            told += react(news)
        told.append(NoteTier(at=FIRST_DAY, customer_id=who, tier="gold"))
        told.append(NoteBirthdayMonth(at=FIRST_DAY, customer_id=who, month=3))
        told.append(RecountReceipts(at=now, customer_id=who, version=1))
        held: dict[str, Any] = {"hold_id": uuid4(), "points": 5, "until": now + timedelta(hours=1)}
        told.append(HoldPoints(at=now, customer_id=who, **held))
        place: dict[str, Any] = {"branch": "TOR1", "zone": "America/Toronto", "on": now.date()}
        told.append(AwardPoints(at=now, customer_id=who, act="referral", act_id="x", reason="thanks", **place))
    assert {type(command) for command in told} == set(KINDS)
    return told


async def test_a_batch_of_hundreds_asks_as_often_as_one_of_a_few(loyalty_points: Running) -> None:
    await perform_one(loyalty_points, PublishPolicy(at=FIRST_DAY, terms=TERMS.model_dump(mode="json")), CAUSE)
    asked = []
    for count in (2, 40):
        told = commands(count)
        first = [c for c in told if isinstance(c, CountReceipt | StartEarning)]
        await perform(loyalty_points, [Issued(command, CAUSE) for command in first])
        async with loyalty_points.pool.acquire() as tx, tx.transaction():
            counting = Counting(tx)
            await guards.gather(cast(Tx, counting), told)
        asked.append(counting.asked)
    assert asked[0] == asked[1] <= 12
