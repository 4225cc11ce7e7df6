"""A draft of the points' terms is rehearsed over a chain's receipts, beside one SELECT that knows it by heart."""

import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.loyalty_points.domain import StartEarning
from services.loyalty_points.lifetime import Never
from services.loyalty_points.worth import Item
from shared.message import Issued
from shared.performing import perform
from tests.benchmarks.bench import LOGS, Bench
from tests.benchmarks.contest import Contender, Contest, Lap
from tests.benchmarks.goal import Goal
from tests.benchmarks.members import BY, bought, copied, ledger, owner
from tests.benchmarks.program import program
from tests.benchmarks.store import Store
from tests.cell import environment

US, FLOOR = "branchline", "bare SELECT"
RECEIPTS, A_CUSTOMER, APART = 1_000_000, 10, timedelta(days=36)
CUT_MINOR, COLOUR_MINOR, MORE_MINOR = 82_50, 120_00, 1_75  # and so much more at each visit
ASKED_EVERY = 5.0
DRAFT: dict[str, Any] = {
    "terms": {
        "expiry": {"kind": "never"},
        "earning": {"bonuses": [{"name": "colour", "factor": "1.5", "kinds": ["service"], "codes": ["COLOUR"]}]},
    }
}
GOALS = (Goal("million", US, "mib", most=300, unit=" MiB"),)
OURS = (
    "the service, a process of its own: any draft, settled by the ledger's own rules, by branch, tier and month, with "
    "who gains and who loses; in pages, so that sales go on"
)
BARE = "one SELECT for this draft alone: no caps, no tiers, no refunds, and nobody's name"

_BARE = """
SELECT sum(receipts)::bigint, sum(now)::bigint, sum(drafted)::bigint
FROM (
  SELECT branch, date_trunc('month', sold_on) AS month, count(*) AS receipts, sum(kept) AS now,
         sum((2 * (sold -> '1' ->> 0)::bigint + 3 * (sold -> '2' ->> 0)::bigint) / 200) AS drafted
  FROM receipt GROUP BY 1, 2
) AS places
"""


async def measure(bench: Bench) -> None:
    """Play it, if it is chosen."""
    if not bench.chosen("million"):
        return
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(ledger(bench, Never()))
        chain = Chain(bench, own, (bench.large or RECEIPTS) // A_CUSTOMER)
        await chain.begin()
        contenders = (Contender(FLOOR, BARE, chain.bare), Contender(US, OURS, chain.ours))
        title = f"colour at 1.5 over {chain.receipts:,} receipts of {chain.customers:,} customers"
        await bench.play(Contest("rehearsal", "million", title, contenders, laps=1, warm=0))  # minutes long


class Chain:
    """Customers who come ten times in a year, each time for a cut and a colour."""

    def __init__(self, bench: Bench, own: Store, customers: int) -> None:
        self._bench, self._own = bench, own
        self.customers, self.receipts = customers, customers * A_CUSTOMER
        self._expected = (0, 0, 0)

    async def begin(self) -> None:
        """Fill the tables."""
        await copied(self._own, await self._first(), self.customers - 1, receipts_alone=True)
        visits = [(CUT_MINOR + n * MORE_MINOR, COLOUR_MINOR) for n in range(A_CUSTOMER)]
        now = sum((cut + colour) // 100 for cut, colour in visits)
        then = sum((2 * cut + 3 * colour) // 200 for cut, colour in visits)
        self._expected = (self.receipts, now * self.customers, then * self.customers)

    async def bare(self) -> Lap:
        """Let Postgres count what the draft gives."""
        async with owner(self._own) as tx, self._bench.meter.lap(self.receipts) as lap:
            row = await tx.fetchrow(_BARE)
        lap.expected, lap.found = self._expected, tuple(map(int, row or ()))
        return lap

    async def ours(self) -> Lap:
        """Let a process of the service rehearse it to the last page."""
        command, log = [sys.executable, "-m", "tests.benchmarks.programs.rehearser"], LOGS / "rehearser.log"
        found, draft = [0, 0, 0], DRAFT
        async with program(command, log, environment=environment(self._bench.settings)) as rehearser:
            processes = {"us": [rehearser.pid], "generator": [self._bench.own]}
            async with self._bench.meter.lap(self.receipts, **processes) as lap:
                while True:
                    told = await rehearser.ask(draft=draft, seconds=ASKED_EVERY)
                    found = [was + more for was, more in zip(found, told["sums"], strict=True)]
                    lap.values["mib"] = told["mib"]
                    if told["next"] is None:
                        break
                    draft = DRAFT | {"after": told["next"]}
        lap.expected, lap.found = self._expected, tuple(found)
        return lap

    async def _first(self) -> UUID:
        """Return a customer who has bought, by commands."""
        who, began = uuid4(), datetime.now(UTC) - A_CUSTOMER * APART
        issued = [Issued(StartEarning(at=began, customer_id=who, joined_order=""), BY)]
        for visit in range(A_CUSTOMER):
            told = bought(who, began + visit * APART, CUT_MINOR + visit * MORE_MINOR)
            lines = told.lines | {2: COLOUR_MINOR}
            items = {1: Item("service", "CUT"), 2: Item("service", "COLOUR")}
            issued.append(Issued(told.model_copy(update={"lines": lines, "items": items}), BY))
        await perform(self._own.running, issued)
        return who
