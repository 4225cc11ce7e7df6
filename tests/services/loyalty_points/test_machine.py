"""Whatever a customer, the desk, headquarters and tills do: the books are the oracle's. Planted bugs are seen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contracts.loyalty_points import PointsSpentOffline
from services.loyalty_points import domain
from services.loyalty_points.domain import Account, CountSpending, KnownHold, lots, offline
from services.loyalty_points.reward.offer import Offer
from tests.services.loyalty_points.books import Decide
from tests.services.loyalty_points.machine import Shop


def shop_of(decide: Decide, examples: int) -> Callable[[], None]:
    machine = type("Shop", (Shop,), {"decide": staticmethod(decide)})
    some = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    return lambda: run_state_machine_as_test(machine, settings=some)


def test_whatever_is_done_the_books_are_the_oracles_and_nobody_gains() -> None:
    shop_of(domain.decide, 400)()


def gives_back_twice(command: Any, account: Account) -> list[Any]:
    holds = [replace(h, ended="captured") if h.ended == "reversed" else h for h in command.ledger.holds]
    return domain.decide(command.model_copy(update={"ledger": replace(command.ledger, holds=tuple(holds))}), account)


def counts_receipts_twice(command: Any, account: Account) -> list[Any]:
    if isinstance(command, CountSpending) and command.ledger:
        holds = tuple(h for h in command.ledger.holds if h.hold_id != command.spending_id)
        command = command.model_copy(update={"ledger": replace(command.ledger, holds=holds)})
    return domain.decide(command, account)


def forgets_what_is_owed(command: Any, account: Account) -> list[Any]:
    told = domain.decide(command, account)
    return [e.model_copy(update={"debt": account.debt}) if isinstance(e, PointsSpentOffline) else e for e in told]


def whole(known: KnownHold) -> Any:
    return known.lots


def alive_now(some: Any, _since: datetime, at: datetime) -> Any:
    return lots.drawable(some, at)


def anything(*_any: object) -> None:
    return None


PLANTED: dict[str, tuple[Decide, tuple[tuple[object, str, object], ...]]] = {
    "given back twice": (gives_back_twice, ()),
    "a till's receipt counted twice": (counts_receipts_twice, ()),
    "a till's debt forgotten": (forgets_what_is_owed, ()),
    "a used allowance comes back whole": (domain.decide, ((KnownHold, "left_lots", property(whole)),)),
    "what expired since pays for nothing": (domain.decide, ((offline, "drawable_since", alive_now),)),
    "everybody may have everything": (domain.decide, ((Offer, "check", anything),)),
    "a lapsed allowance covers for ever": (domain.decide, ((KnownHold, "covers", lambda *_: True),)),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decide, places = PLANTED[bug]
    for place, name, wrong in places:
        monkeypatch.setattr(place, name, wrong)
    with pytest.raises(AssertionError):
        shop_of(decide, 2000)()
