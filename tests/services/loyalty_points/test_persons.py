"""Whatever three ids do, and however they are merged and split: no point is won, lost or there twice. Bugs are seen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid5

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contracts.loyalty_points import PointsMerged
from contracts.membership import CustomersMerged, CustomersSplit
from contracts.pos import SaleRecorded
from services.loyalty_points import domain
from services.loyalty_points.domain import (
    Account,
    AccountCommand,
    CapturePoints,
    HoldPoints,
    RedeemPoints,
    ReleaseHold,
    ReverseRedemption,
    account,
)
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from shared.errors import Rejected
from tests.services.loyalty_points.books import Books, Decide
from tests.services.loyalty_points.persons import Persons, buyer, check_persons, check_told, worth
from tests.services.stories import customer, joining, refund, sale

IDS = [customer(number) for number in range(3)]
MONDAY = datetime.fromisoformat("2026-03-02T15:00+00:00")
TERMS = Terms(expiry=Never())

who = st.sampled_from(IDS)
numbers = st.integers(0, 2)
points = st.sampled_from([1, 5, 10, 30, 60])


class Merges(RuleBasedStateMachine):
    """Three ids; what is told of each, what the desk does under any of them, and who turns out to be whom."""

    decide: ClassVar[Decide] = staticmethod(domain.decide)

    @initialize(opening=st.sampled_from(["nobody", "members", "owing", "merged", "guest"]))
    def open(self, opening: str) -> None:
        self.books = Books(decide=type(self).decide, now=MONDAY + timedelta(days=1), terms=TERMS)
        self.persons = Persons()
        self.news: list[Any] = []
        members = {"nobody": [], "guest": [IDS[1]]}.get(opening, IDS)
        for number, one in enumerate(members):
            self.buy(one, 4_000, 1)
            self.join(number)
        if opening == "owing":
            self.redeem(IDS[0], 0, 30)
            self.give_money_back(0, 0)
        if opening in {"merged", "guest"}:
            self.merge(IDS[0], IDS[1], twice=False)
        if opening == "guest":
            self.buy(IDS[0], 4_000, 0)  # earns while she is one with a member

    @rule(who=who, net=st.sampled_from([500, 1_000, 4_000]), hours_ago=st.sampled_from([0, 1, 1, 4, 30]))
    def buy(self, who: Any, net: int, hours_ago: int) -> None:
        sold = sale(str(len(self.persons.sales)), (who, net), at=self.books.now - timedelta(hours=hours_ago))
        self.persons.sales.append(sold)
        self.persons.left[sold.sale_id] = net
        self.hear(sold)

    @rule(number=st.integers(0, 5))
    def join(self, number: int) -> None:
        if sold := self.sold(number):
            news = joining(sold, buyer(sold))
            self.persons.join(news)
            self.hear(news)

    @rule(number=st.integers(0, 5), quarters=st.integers(0, 3))
    def give_money_back(self, number: int, quarters: int) -> None:
        if sold := self.sold(number):
            net = sold.lines[0].net_minor
            left = min(self.persons.left[sold.sale_id], net * quarters // 4)
            self.persons.left[sold.sale_id] = left
            self.hear(refund(sold, (1, net - left, left), at=self.books.now))

    @rule(who=who, into=who, twice=st.booleans())
    def merge(self, who: Any, into: Any, twice: bool) -> None:
        if who == into or who in self.persons.merges or into in self.persons.merges:
            return  # as membership refuses
        merge_id = uuid5(who, f"merge {len(self.news)}")
        news = CustomersMerged(at=self.books.now, customer_id=who, into=into, merge_id=merge_id)
        self.persons.merges[who] = news
        for _ in range(1 + twice):
            self.hear(news)

    @rule(who=who, twice=st.booleans())
    def split(self, who: Any, twice: bool) -> None:
        merge = self.persons.merges.get(who)
        if merge is None or merge.into in self.persons.merges:
            return  # as membership refuses
        del self.persons.merges[who]
        its: dict[str, Any] = {"merged_into": merge.into, "merge_id": merge.merge_id, "merged_at": merge.at}
        for _ in range(1 + twice):
            self.hear(CustomersSplit(at=self.books.now, customer_id=who, **its))

    @rule(who=who, number=numbers, points=points)
    def redeem(self, who: Any, number: int, points: int) -> None:
        self.do(RedeemPoints(at=self.books.now, customer_id=who, redemption_id=uuid5(who, f"r{number}"), points=points))

    @rule(who=who, number=numbers)
    def reverse(self, who: Any, number: int) -> None:
        redemption_id = uuid5(who, f"r{number}")
        its: dict[str, Any] = {"redemption_id": redemption_id, "reason": "wrong-gift"}
        self.do(ReverseRedemption(at=self.books.now, customer_id=who, **its))

    @rule(who=who, number=numbers, points=points, hours=st.sampled_from([2, 50]))
    def hold(self, who: Any, number: int, points: int, hours: int) -> None:
        until = self.books.now + timedelta(hours=hours)
        hold_id = uuid5(who, f"h{number}")
        self.do(HoldPoints(at=self.books.now, customer_id=who, hold_id=hold_id, points=points, until=until))

    @rule(who=who, number=numbers, points=points)
    def capture(self, who: Any, number: int, points: int) -> None:
        self.do(CapturePoints(at=self.books.now, customer_id=who, hold_id=uuid5(who, f"h{number}"), points=points))

    @rule(who=who, number=numbers)
    def release(self, who: Any, number: int) -> None:
        self.do(ReleaseHold(at=self.books.now, customer_id=who, hold_id=uuid5(who, f"h{number}")))

    @rule(hours=st.sampled_from([1, 3, 60]))
    def wait(self, hours: int) -> None:
        self.books.now += timedelta(hours=hours)

    def sold(self, number: int) -> SaleRecorded | None:
        return self.persons.sales[number] if number < len(self.persons.sales) else None

    def hear(self, news: Any) -> None:
        self.news.append(news)
        self.books.hear([news])
        self.books.now += timedelta(minutes=1)

    def do(self, command: AccountCommand) -> None:
        before = self.spent()
        try:
            self.books.handle(command)
        except Rejected:
            return
        self.persons.spent += self.spent() - before

    def spent(self) -> int:
        return sum(one.redeemed for one in self.books.accounts.values())

    @invariant()
    def nothing_is_won_or_lost(self) -> None:
        if hasattr(self, "books"):
            check_persons(self.books, self.persons, IDS)

    def teardown(self) -> None:
        """Whoever hears of the merges first, and of all else after it, has the same."""
        if not hasattr(self, "books"):
            return
        check_told(self.books, IDS)
        if self.books.holds:
            return
        about = (CustomersMerged, CustomersSplit)
        told = [one for one in self.news if isinstance(one, about)] + [
            one for one in self.news if not isinstance(one, about)
        ]
        other = Books(decide=type(self).decide, now=self.books.now, terms=TERMS).hear(told)
        assert {one: worth(other, one) for one in IDS} == {one: worth(self.books, one) for one in IDS}


def merges_of(decide: Decide, examples: int) -> Callable[[], None]:
    machine = type("Merges", (Merges,), {"decide": staticmethod(decide)})
    some = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    return lambda: run_state_machine_as_test(machine, settings=some)


def test_whoever_turns_out_to_be_whom_no_point_is_won_lost_or_there_twice() -> None:
    merges_of(domain.decide, 300)()


def moves_lots_twice(command: Any, account: Account) -> list[Any]:
    if isinstance(command, domain.TakeInAccount):
        account = replace(account, others=())
    return domain.decide(command, account)


def forgets_the_debt(command: Any, account: Account) -> list[Any]:
    told = domain.decide(command, account)
    return [e.model_copy(update={"debt": 0}) if isinstance(e, PointsMerged) else e for e in told]


def gives_all_lots_back(command: Any, account: Account) -> list[Any]:
    if isinstance(command, domain.GiveBackAccount) and command.share:
        share = replace(command.share, active=account.active)
        command = command.model_copy(update={"share": share})
    return domain.decide(command, account)


def gives_no_debt_back_and_forgets_it(command: Any, account: Account) -> list[Any]:
    told = domain.decide(command, account)
    if isinstance(command, domain.GiveBackAccount):
        return [e.model_copy(update={"debt": 0}) if e.name == "PointsSplit" else e for e in told]
    return told


def never_settles_anew(command: Any, account: Account) -> list[Any]:
    return [] if isinstance(command, domain.SettleReceipts) else domain.decide(command, account)


def was_always_one(_account: Account, who: Any, _at: datetime, order: str) -> bool:
    orders = [one.joined_order for one in _account.others] + [_account.joined_order]
    return any(joined is not None and order >= joined for joined in orders)


PLANTED: dict[str, tuple[Decide, object]] = {
    "lots move twice": (moves_lots_twice, None),
    "debt is forgotten": (forgets_the_debt, None),
    "a split gives all lots": (gives_all_lots_back, None),
    "a split forgets debt": (gives_no_debt_back_and_forgets_it, None),
    "what was sold since the merge is not settled": (never_settles_anew, None),
    "they were one before the merge": (domain.decide, was_always_one),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decide, earns = PLANTED[bug]
    if earns:
        monkeypatch.setattr(account.Account, "earns", earns)
    with pytest.raises((AssertionError, KeyError)):
        merges_of(decide, 2000)()
