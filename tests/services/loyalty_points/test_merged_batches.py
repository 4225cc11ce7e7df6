"""What is heard of merges in one batch ends as it does one by one: the handler itself, its tables in memory."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from contracts.membership import TierChanged
from services.loyalty_points.app import app
from services.loyalty_points.domain import StartEarning
from services.loyalty_points.domain.events import AccountGivenBack, AccountGivenUp
from services.loyalty_points.earning import Bonus, Cap, Earning
from services.loyalty_points.guards import asking
from services.loyalty_points.guards.receipts import Asked
from services.loyalty_points.lifetime import Never
from services.loyalty_points.reactions import react
from services.loyalty_points.terms import Terms
from shared import handling
from shared.handling import Handler
from shared.message import Cause, Issued
from shared.policy import Policies, PolicyPublished, Published
from shared.store import Change, Loaded
from tests.services.loyalty_points import merged_rows
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.persons import check_books
from tests.services.loyalty_points.test_merging import (
    BEFORE,
    DAY,
    HERS,
    LATER,
    LI,
    LIS,
    MEI,
    MERGE,
    MERGED_AT,
    MONDAY,
    SPLIT_AT,
    TIERED,
    WU,
    has,
    merge,
    redeem,
    split,
    told,
)
from tests.services.stories import joining, refund, sale

DOUBLED = Bonus(name="double", factor="2", cap=Cap(points=50, per="month"))


class InBooks:
    """Guards whose tables are those of books."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def gather(self, _tx: Any, commands: Sequence[Any], /) -> Sequence[Any]:
        """Bring what the books know."""
        return [self.books.gathered(one) for one in commands]

    async def guard(self, _tx: Any, events: Sequence[Any], /) -> None:
        """Move the books with the events."""
        for one in events:
            self.books.guard(one.event)
            if isinstance(one.event, AccountGivenUp | AccountGivenBack):
                merged_rows.keep(self.books, one.event)


async def batch(books: Books, monkeypatch: pytest.MonkeyPatch, *news: Any) -> Books:
    """Return the books after the service's own handler has done all of the news as one batch."""
    account = replace(next(one for one in app.aggregates if one.category == "account"), guards=InBooks(books))
    handler = Handler([account], 1, "test")
    states = handler._states["account"]

    def loaded(who: UUID) -> Loaded:
        return Loaded("account", who, 1, account.domain.SHAPE, states.serializer.to_json(books.accounts[who]).decode())

    async def lock(_tx: Any, guarded: Sequence[UUID], others: Sequence[UUID], *_: Any) -> dict[UUID, Loaded]:
        return {who: loaded(who) for who in (*guarded, *others) if who in books.accounts}

    async def append(_tx: Any, changes: Sequence[Change], *_: Any) -> None:
        for one in changes:
            books.accounts[one.stream_id] = states.validator.validate_json(one.state)

    monkeypatch.setattr(handling, "lock", lock)
    monkeypatch.setattr(handling, "append", append)
    tx: Any = None
    await handler.handle(tx, [Issued(command, Cause("t", "t")) for one in news for command in react(one)])
    return books


async def test_a_split_settles_her_own_receipts_and_not_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    gold = TierChanged(at=MONDAY - DAY, customer_id=LI, tier="gold", was="", spend_minor=0, policy_version=1)
    books = await batch(told(*BEFORE, gold, MERGE, LATER, terms=TIERED), monkeypatch, split(MERGE))
    assert (has(books, MEI), has(books, LI)) == ((130, 0, 0), (80, 0, 0))


async def test_who_joins_in_the_batch_of_her_split_joins_herself(monkeypatch: pytest.MonkeyPatch) -> None:
    early = sale("0", (LI, 7_000), at=MONDAY + DAY / 2)
    known = told(HERS, early, LIS, joining(LIS, LI), MERGE)
    books = await batch(known, monkeypatch, split(MERGE), joining(HERS, MEI))
    assert (has(books, MEI), has(books, LI)) == ((100, 0, 0), (40, 0, 0))


@pytest.mark.parametrize("split_is_heard_first", [True, False])
async def test_who_is_split_takes_a_third_in_herself(
    split_is_heard_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wus = sale("8", (WU, 1_000), at=MONDAY)
    third = merge(WU, MEI, SPLIT_AT + DAY)
    news = [split(MERGE), third] if split_is_heard_first else [third]
    books = await batch(told(*BEFORE, wus, joining(wus, WU), MERGE), monkeypatch, *news)
    for who in (MEI, LI, WU):
        check_books(books, who)
    assert [has(books, who)[0] for who in (MEI, LI, WU)] == [110, 40, 0]


def test_the_joining_of_one_does_not_renew_the_cap_of_the_other() -> None:
    terms = Terms(expiry=Never(), earning=Earning(bonuses=(DOUBLED,)))
    first, meis = sale("1", (LI, 4_000), at=MONDAY), sale("2", (MEI, 1_000), at=MONDAY + DAY)
    news = [first, meis, sale("3", (LI, 4_000), at=MONDAY + 2 * DAY), joining(first, LI)]
    early = told(*news, joining(meis, MEI), merge(MEI, LI), terms=terms)
    late = told(*news, merge(MEI, LI), joining(meis, MEI), terms=terms)
    assert has(early, LI) == has(late, LI) == (150, 0, 0)


def test_a_joining_is_brought_what_has_used_a_cap_before_it() -> None:
    dated = Policies(Published(), Terms)
    joins = StartEarning(at=MONDAY + DAY, customer_id=MEI, joined_order="b")
    assert dict(asking.receipts([joins], dated, {})) == {0: Asked(MEI, from_order="b")}
    capped = Terms(earning=Earning(bonuses=(DOUBLED,))).model_dump(mode="json")
    said = PolicyPublished(at=MONDAY, number=1, holds_from=MONDAY, terms=capped)
    (asked,) = dict(asking.receipts([joins], Policies(Published((said,)), Terms), {})).values()
    assert asked.from_order is None
    assert asked.since
    assert asked.since < MONDAY.replace(day=1)
    assert asked.until
    assert asked.until > MONDAY + 365 * DAY


def test_a_debt_of_the_one_who_stays_is_not_given_to_the_other() -> None:
    books = told(*BEFORE)
    redeem(books, MEI, 100)
    books.hear([refund(HERS, (1, 9_000, 1_000), at=MONDAY + 2 * DAY), MERGE])
    sold = sale("7", (LI, 6_000), at=MERGED_AT + DAY)
    books.hear([sold])
    redeem(books, LI, 10, "li's")
    books.hear([refund(sold, (1, 6_000, 0), at=MERGED_AT + 2 * DAY), split(MERGE)])
    assert (has(books, MEI), has(books, LI)) == ((0, 0, 0), (0, 0, 60))
