"""When a till is heard changes nothing of what a customer has and owes, however late, often, or out of order it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid5

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.loyalty_points import domain
from services.loyalty_points.domain import Account, AllowPoints, CountSpending, ExpirePoints, offline
from services.loyalty_points.lifetime import AfterDays
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books, Decide
from tests.services.loyalty_points.machine import MEI, spending
from tests.services.loyalty_points.test_machine import alive_now, counts_receipts_twice, forgets_what_is_owed
from tests.services.stories import joining, refund, sale

START = datetime.fromisoformat("2026-03-02T15:00:00+00:00")
END = START + timedelta(days=40)
HOUR = timedelta(hours=1)
SOLD = tuple(sale(str(n), (MEI, net), at=START + timedelta(days=day)) for n, day, net in ((1, 0, 900), (2, 3, 1100)))
AFTER = sale("3", (MEI, 700), at=START + timedelta(days=9))
OFFLINE_FROM = START + timedelta(days=4)


class Spent(NamedTuple):
    """What a till let her spend so many hours after it went offline, and after how many more hours it was heard."""

    till: str
    number: int
    points: int
    hour: int
    late: int

    @property
    def at(self) -> datetime:
        return OFFLINE_FROM + self.hour * HOUR

    def heard(self, delayed: bool) -> datetime:
        return self.at + self.late * HOUR if delayed else self.at


@dataclass(frozen=True)
class Days:
    """Two sales, an allowance for a till, then what tills let her spend, a refund, and another sale."""

    expiry_days: int
    allowed: int
    hours: int
    spent: tuple[Spent, ...]
    refunded_after: int | None

    def books(self, decide: Decide, *, delayed: bool) -> Books:
        """Return the books after all of it, tills heard at once or late, and all of it twice."""
        books = Books(decide=decide, now=OFFLINE_FROM, terms=Terms(expiry=AfterDays(days=self.expiry_days)))
        books.hear([joining(SOLD[0], MEI), *SOLD])
        until = OFFLINE_FROM + self.hours * HOUR
        its: dict[str, Any] = {"allowance_id": uuid5(MEI, "allowance"), "points": self.allowed, "until": until}
        books.handle(AllowPoints(at=books.now, customer_id=MEI, branch="TOR1", till="A", **its))
        acts: list[tuple[datetime, int, Callable[[], object]]] = [(AFTER.at, 0, lambda: books.hear([AFTER]))]
        if self.refunded_after is not None:
            at = OFFLINE_FROM + self.refunded_after * HOUR
            acts.append((at, 1, lambda: books.hear([refund(SOLD[1], (1, 400, 700), at=at)])))
        for number, one in enumerate(self.spent, start=2):
            command = spending(one.till, one.number, one.points, one.at)
            acts.append((one.heard(delayed), number, lambda command=command: books.handle(command)))  # type: ignore[misc]
            acts.append((END - HOUR, number, lambda command=command: books.handle(command)))  # type: ignore[misc]
        for at, _, act in sorted(acts, key=lambda act: act[:2]):
            books.now = at
            books.handle(ExpirePoints(at=at, customer_id=MEI))
            act()
        books.now = END
        books.handle(ExpirePoints(at=END, customer_id=MEI))
        return books


@st.composite
def days(draw: st.DrawFn) -> Days:
    """Return days in which no allowance outlasts a lot, nor keeps another till from one that will be over."""
    expiry_days, hours = draw(st.sampled_from([(6, 20), (6, 40), (10, 40), (10, 100), (366, 40), (366, 160)]))
    tills = st.sampled_from(["A", "B"]) if expiry_days == 366 else st.just("A")
    one = st.tuples(tills, st.sampled_from([1, 4, 6, 9, 25]), st.integers(1, 200), st.integers(0, 400))
    spent = draw(st.lists(one, min_size=1, max_size=5))
    told = tuple(Spent(till, number, points, hour, late) for number, (till, points, hour, late) in enumerate(spent))
    refunded = draw(st.sampled_from([None, None, 10, 60, 150]))
    return Days(expiry_days, draw(st.sampled_from([3, 9, 20])), hours, told, refunded)


def figures(books: Books) -> dict[str, int]:
    account: Account = books.accounts[MEI]
    names = ("debt", "earned", "taken_back", "redeemed", "expired")
    return {"available": account.available(END), **{name: getattr(account, name) for name in names}}


def days_of(decide: Decide, examples: int) -> Callable[[], None]:
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(days())
    def told(some: Days) -> None:
        at_once, late = some.books(domain.decide, delayed=False), some.books(decide, delayed=True)
        assert figures(late) == figures(at_once)

    return told


def test_when_a_till_is_heard_changes_nothing() -> None:
    days_of(domain.decide, 800)()


def by_when_it_is_heard(command: Any, account: Account) -> list[Any]:
    if isinstance(command, CountSpending) and command.ledger:
        command = command.model_copy(update={"at": command.ledger.now})
    return domain.decide(command, account)


PLANTED: dict[str, tuple[Decide, tuple[tuple[object, str, object], ...]]] = {
    "by when it is heard": (by_when_it_is_heard, ()),
    "what expired since pays for nothing": (domain.decide, ((offline, "drawable_since", alive_now),)),
    "a receipt counted twice": (counts_receipts_twice, ()),
    "a debt forgotten": (forgets_what_is_owed, ()),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decide, places = PLANTED[bug]
    for place, name, wrong in places:
        monkeypatch.setattr(place, name, wrong)
    with pytest.raises(AssertionError):
        days_of(decide, 1500)()
