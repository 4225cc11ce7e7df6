"""What a draft of the terms would have given: each customer's receipts settled by it, beside what they keep. Pure.

It settles with the same functions as the ledger, and customers who are one by now as one. Points are those that refunds
have left, spent or not; what is over by now is no more owed. Months are those of the branch's days.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest
from typing import NamedTuple
from uuid import UUID

from services.loyalty_points.domain.account import Account
from services.loyalty_points.domain.lots import is_alive
from services.loyalty_points.receipt import Receipt, settled
from services.loyalty_points.terms import Terms
from shared.replacing import replace

NAMED = 10


class Place(NamedTuple):
    """Where points are of: the branch, the customer's tier at the receipt's time, the month (2026-03)."""

    branch: str
    tier: str
    month: str


@dataclass
class Tally:
    """Receipts, the points that they keep now, and would by the draft; and by how much more would be owed today."""

    receipts: int = 0
    now: int = 0
    then: int = 0
    owed: int = 0


@dataclass
class Rehearsal:
    """A draft that holds from an instant on, looked at on a day, and what it has made of the customers so far."""

    draft: Terms
    holds_from: datetime
    at: datetime
    places: dict[Place, Tally] = field(default_factory=lambda: defaultdict(Tally))
    customers: Counter[str] = field(default_factory=Counter)
    most: list[tuple[int, UUID]] = field(default_factory=list)

    def add(self, customer_id: UUID, account: Account, receipts: Sequence[Receipt]) -> None:
        """Settle an account's receipts, which are in their order, by the draft: those that earn."""
        own = [
            self._drafted(one) for one in receipts if account.earns(one.earner or customer_id, one.sold_at, one.order)
        ]
        since = next((one.order for one in own if one.sold_at >= self.holds_from), None)
        if since is None:
            return
        difference, as_they_are = 0, {(one.origin, one.sale_id): one for one in receipts}
        for receipt, _, kept in settled(own, since):
            tally = self.places[Place(receipt.branch, receipt.tier or "", f"{receipt.on:%Y-%m}")]
            tally.receipts += 1
            tally.now += receipt.kept
            tally.then += kept
            difference += kept - receipt.kept
            # what comes is good as long as the draft says, what goes has been good as long as it was
            lot = receipt if kept > receipt.kept else as_they_are[receipt.origin, receipt.sale_id]
            tally.owed += kept - receipt.kept if is_alive(lot.expires_at, self.at) else 0
        self.customers["gain" if difference > 0 else "lose" if difference else "same"] += 1
        if difference:
            self.most = nlargest(NAMED, [*self.most, (difference, customer_id)], key=lambda one: (abs(one[0]), one[1]))

    def _drafted(self, receipt: Receipt) -> Receipt:
        return replace(receipt, terms=self.draft) if receipt.sold_at >= self.holds_from else receipt
