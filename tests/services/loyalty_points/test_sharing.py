"""Many at the desk for one account: gathered for together, each gets what it would have got alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty_points import domain
from services.loyalty_points.domain import HoldPoints, RedeemPoints
from services.loyalty_points.domain.sharing import renewed
from shared.errors import Rejected
from tests.services.loyalty_points.books import Books
from tests.services.stories import CHAIN, FIRST_DAY, customer, joining, refund, sale

MEI = customer(1)
DESK_AT = FIRST_DAY + timedelta(days=60)
Sharing: TypeAlias = HoldPoints | RedeemPoints
Renewed: TypeAlias = Callable[[Any, Any, Sequence[Any]], Any]


def _id(number: int) -> UUID:
    return uuid5(CHAIN, f"act {number}")


def _redeem(number: int, points: int) -> RedeemPoints:
    return RedeemPoints(at=DESK_AT, customer_id=MEI, redemption_id=_id(number), points=points)


def _hold(number: int, points: int, seconds: int) -> HoldPoints:
    until = DESK_AT + timedelta(seconds=seconds)
    return HoldPoints(at=DESK_AT, customer_id=MEI, hold_id=_id(number), points=points, until=until)


ASKED = st.one_of(
    st.builds(_redeem, st.integers(0, 4), st.integers(-1, 12)),
    st.builds(_hold, st.integers(0, 4), st.integers(0, 12), st.integers(-1, 600)),
)


def _known(receipts: Sequence[int], refunded: bool) -> Books:
    """Return the books of a member with these receipts, of which some points were held until yesterday."""
    books = Books(now=DESK_AT - timedelta(days=2))
    sold = [sale(str(n), (MEI, net), at=FIRST_DAY + timedelta(days=n)) for n, net in enumerate(receipts)]
    books.hear([*sold, joining(sold[0], MEI)])
    if books.accounts[MEI].available(books.now) >= 2:
        yesterday, at = DESK_AT - timedelta(days=1), books.now
        books.handle(HoldPoints(at=at, customer_id=MEI, hold_id=_id(-1), points=2, until=yesterday))
    if refunded:
        books.hear([refund(sold[-1], (1, receipts[-1], 0))])
    books.now = DESK_AT
    return books


def _one_by_one(books: Books, asked: Sequence[Sharing]) -> list[Any]:
    return [_tried(partial(books.handle, one)) for one in asked]


def _together(books: Books, asked: Sequence[Sharing], renewed: Renewed) -> list[Any]:
    """Do what the handler does: gather for all, then decide one after the other."""
    account, before, outcomes = books.accounts[MEI], None, list[Any]()
    for command in [books.gathered(one) for one in asked]:
        known = renewed(command, *before) if before else command
        outcomes.append(_tried(partial(domain.decide, known, account)))
        told = outcomes[-1] if isinstance(outcomes[-1], list) else []
        for event in told:
            account = domain.evolve(account, event)
        before = known, told
    return outcomes


def _tried(act: Callable[[], list[Any]]) -> Any:
    try:
        return act()
    except Rejected as refusal:
        return refusal.code, dict(refusal.facts)


def _differ(receipts: Sequence[int], refunded: bool, asked: Sequence[Sharing], renewed: Renewed) -> bool:
    return _one_by_one(_known(receipts, refunded), asked) != _together(_known(receipts, refunded), asked, renewed)


@settings(deadline=None)
@given(st.lists(st.integers(100, 1_500), min_size=1, max_size=4), st.booleans(), st.lists(ASKED, max_size=8))
def test_who_asks_together_gets_what_each_would_get_alone(
    receipts: list[int], refunded: bool, asked: list[Sharing]
) -> None:
    assert not _differ(receipts, refunded, asked, renewed)


def _forgets(command: Any, before: Any, told: Sequence[Any]) -> Any:
    return command


def _forgets_lots(command: Any, before: Any, told: Sequence[Any]) -> Any:
    known: Any = renewed(command, before, told)
    return known.model_copy(update={"ledger": replace(known.ledger, lots=before.ledger.lots)})


def _forgets_holds(command: Any, before: Any, told: Sequence[Any]) -> Any:
    known: Any = renewed(command, before, told)
    return known.model_copy(update={"ledger": replace(known.ledger, holds=command.ledger.holds)})


@pytest.mark.parametrize("planted", [_forgets, _forgets_lots, _forgets_holds])
def test_one_that_is_not_told_what_those_before_it_did_is_found(planted: Renewed) -> None:
    stories = ([_redeem(1, 6), _redeem(2, 6)], [_redeem(1, 3), _redeem(1, 3)], [_hold(1, 2, 60), _hold(1, 2, 60)])
    assert any(_differ([1_000], False, story, planted) for story in stories)
