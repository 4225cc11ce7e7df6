"""What the ledger has told of a tale with tills that were offline, and what the account answered when it was asked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.loyalty_points.domain import Account, CountRefund
from services.loyalty_points.domain.known import Known
from services.loyalty_points.standing import standing
from shared.errors import Rejected
from tests.services.loyalty_points.acts import BEGIN, SALES, Tale, tell
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import MEI

LATEST = BEGIN + timedelta(days=500)


@dataclass
class Chronicle:
    """All that the ledger has told of a tale, and what an account answered whenever it was asked."""

    told: list[Known] = field(default_factory=list)
    answered: dict[datetime, dict[str, Any]] = field(default_factory=dict)

    def ask(self, now: datetime, account: Account) -> None:
        self.answered[now] = standing(account, now)


def chronicle(tale: Tale) -> Chronicle:
    oracle, books, told = tale.oracle(), Books(terms=tale.terms), Chronicle()
    for act in tale.acts:
        command, _ = tell(act, tale, oracle, MEI)
        books.now = oracle.now
        if isinstance(command, CountRefund) and act.points % 2:  # a till that was offline
            happened_at = max(tale.sold_at(act.number % SALES), books.now - timedelta(days=3))
            command = command.model_copy(update={"at": happened_at})
        if command:
            try:
                said = books.handle(command)
            except Rejected:
                said = []
            told.told += known(said, books)
        told.ask(books.now, books.accounts.get(MEI, Account()))
    return told


def instants(told: Chronicle) -> list[datetime]:
    """Return the instants at which something may change, those just before, and some to come."""
    own = {one for known in told.told for one in (known.event.at, getattr(known.event, "expires_at", None)) if one}
    near = {one - timedelta(microseconds=1) for one in own}
    return sorted({*own, *near, *told.answered, BEGIN + timedelta(days=3, hours=1), LATEST})


def known(events: Iterable[Any], books: Books) -> list[Known]:
    return [Known(event, "account/1", books.now) for event in events]
