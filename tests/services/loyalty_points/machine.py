"""Whatever a customer, the desk, headquarters and tills do, in whatever order: the ledger and the oracle agree.

And nobody gains: what she can spend and what she has spent is what she paid for and was forgiven, less what expired.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from contracts.loyalty_points import RewardKind
from services.loyalty_points import domain
from services.loyalty_points.domain import (
    Account,
    AccountCommand,
    AccountEvent,
    AllowPoints,
    CapturePoints,
    CountSpending,
    HoldReward,
    RedeemReward,
    ReleaseHold,
    ReverseRedemption,
)
from services.loyalty_points.domain.foresight import with_lapses
from services.loyalty_points.domain.hindsight import Hindsight
from services.loyalty_points.domain.known import Known
from services.loyalty_points.liability import moved
from services.loyalty_points.reward.offer import Description, reward_id
from shared.errors import Rejected
from tests.services.loyalty_points.acts import ACTS, BEGIN, JOINED, LASTS, Act, Tale, tell
from tests.services.loyalty_points.books import Books, Decide
from tests.services.loyalty_points.oracle_shop import MOST_EACH, OFFLINE, PRICE, STOCK, OracleAllowance, OracleShop
from tests.services.loyalty_points.test_ledger import check_account
from tests.services.stories import customer

MEI = customer(1)
CREAM = Description(title="Cream", kind=RewardKind.GIFT, points=PRICE, counted=True, most_each=MOST_EACH)
SALES = ((0, 4000), (1, 3000), (100, 2550))
FIRST_TAKE, FIRST_PUT_BY, FIRST_ALLOWANCE = 100, 200, 300

numbers, tills = st.integers(0, 2), st.sampled_from(["A", "B"])
spent = st.sampled_from([1, 4, 4, 9, 9, 18, 60])


class Shop(RuleBasedStateMachine):
    """One customer, one reward, two tills."""

    decide: ClassVar[Decide] = staticmethod(domain.decide)

    @initialize(
        days=st.sampled_from([None, 0, 3, 3, 9]),
        pending_days=st.sampled_from([0, 0, 0, 2]),
        opening=st.sampled_from(["nobody", "member", "allowed", "allowed", "used", "used"]),
    )
    def open(self, days: int | None, pending_days: int, opening: str) -> None:
        self.tale = Tale(SALES, days, pending_days, ())
        plain = self.tale.oracle()
        self.oracle = OracleShop(plain.now, plain.zone, plain.days, plain.pending_days)
        terms = self.tale.terms.model_copy(update={"desk": self.tale.terms.desk.model_copy(update=_TERMS)})
        self.books = Books(decide=type(self).decide, now=BEGIN, terms=terms)
        self.books.shelf.described["cream"] = CREAM
        self.books.shelf.stock["cream"] = STOCK
        for act in (*JOINED, Act("sell", 1)) if opening != "nobody" else ():
            self.act(act)
        if opening in ("allowed", "used") and not pending_days:
            self.allow(0, "A", 15, LASTS[1])
        if opening == "used":
            self.hear("A", 0, 9, 0)

    @rule(act=ACTS)
    def act(self, act: Act) -> None:
        command, code = tell(act, self.tale, self.oracle, MEI)
        self.books.now = self.oracle.now
        if command:
            self.do(command, code)

    @rule(hours=st.sampled_from([1, 2, 30, 72, 200]), is_swept=st.booleans())
    def wait(self, hours: int, is_swept: bool) -> None:
        self.act(Act("wait", 0, hours))
        if is_swept:
            self.act(Act("expire"))

    @rule(number=numbers)
    def take(self, number: int) -> None:
        code = self.oracle.take(FIRST_TAKE + number)
        its: dict[str, Any] = {
            "redemption_id": _id(f"redemption {FIRST_TAKE + number}"),
            "reward_id": reward_id("cream"),
        }
        self.do(RedeemReward(at=self.oracle.now, customer_id=MEI, branch="TOR1", **its), code)

    @rule(number=numbers, lasts=st.sampled_from(LASTS))
    def put_by(self, number: int, lasts: timedelta) -> None:
        now, code = self.oracle.now, self.oracle.put_by(FIRST_PUT_BY + number, lasts)
        its: dict[str, Any] = {"hold_id": _id(f"hold {FIRST_PUT_BY + number}"), "reward_id": reward_id("cream")}
        self.do(HoldReward(at=now, customer_id=MEI, branch="TOR1", until=now + lasts, **its), code)

    @rule(number=numbers, points=st.sampled_from([PRICE, PRICE, 4]))
    def hand_over(self, number: int, points: int) -> None:
        code = self.oracle.capture(FIRST_PUT_BY + number, points)
        hold_id = _id(f"hold {FIRST_PUT_BY + number}")
        self.do(CapturePoints(at=self.oracle.now, customer_id=MEI, hold_id=hold_id, points=points), code)

    @rule(number=numbers)
    def let_go(self, number: int) -> None:
        code = self.oracle.release(FIRST_PUT_BY + number)
        self.do(ReleaseHold(at=self.oracle.now, customer_id=MEI, hold_id=_id(f"hold {FIRST_PUT_BY + number}")), code)

    @rule(
        kind=st.sampled_from(["hold", "redemption"]), number=numbers, of=st.sampled_from([0, FIRST_TAKE, FIRST_PUT_BY])
    )
    def give_back(self, kind: str, number: int, of: int) -> None:
        code, redemption_id = self.oracle.reverse(kind, of + number), _id(f"{kind} {of + number}")
        at = self.oracle.now
        self.do(ReverseRedemption(at=at, customer_id=MEI, redemption_id=redemption_id, reason="wrong-gift"), code)

    @rule(number=numbers, till=tills, points=st.sampled_from([1, 5, 15, 21]), lasts=st.sampled_from(LASTS))
    def allow(self, number: int, till: str, points: int, lasts: timedelta) -> None:
        now, code = self.oracle.now, self.oracle.allow(FIRST_ALLOWANCE + number, till, points, lasts)
        its: dict[str, Any] = {"allowance_id": _id(f"hold {FIRST_ALLOWANCE + number}"), "points": points}
        self.do(AllowPoints(at=now, customer_id=MEI, branch="TOR1", till=till, until=now + lasts, **its), code)

    @rule(till=tills, number=numbers, points=spent, hours=st.sampled_from([-5, 0, 1, 30, 80, 200]))
    def hear(self, till: str, number: int, points: int, hours: int) -> None:
        at = self.oracle.now - timedelta(hours=hours)
        self.oracle.spend_offline(till, number, points, min(at, self.oracle.now))
        self.do(spending(till, number, points, at), None)

    @precondition(lambda self: self.lapsed())
    @rule(data=st.data(), number=numbers, points=spent, hours=st.sampled_from([0, 1, 1, 50]))
    def hear_late(self, data: st.DataObject, number: int, points: int, hours: int) -> None:
        allowance = data.draw(st.sampled_from(self.lapsed()))
        at = allowance.made_at + timedelta(hours=hours)
        self.oracle.spend_offline(allowance.till, number, points, min(at, self.oracle.now))
        self.do(spending(allowance.till, number, points, at), None)

    def lapsed(self) -> list[OracleAllowance]:
        holds = self.oracle.holds.values() if hasattr(self, "oracle") else ()
        return [hold for hold in holds if isinstance(hold, OracleAllowance) and hold.how == "lapsed"]

    def do(self, command: AccountCommand, code: str | None) -> None:
        try:
            self.books.handle(command)
            refused = None
        except Rejected as refusal:
            refused = refusal.code
        assert refused == code, command

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "books"):
            account = self.books.accounts.get(MEI, Account())
            check_account(account, list(self.books.lots.get(MEI, {}).values()), self.oracle)
            check_shelf(self.books, self.oracle)
            check_gain(account, self.oracle.now)
            check_told(self.books, self.oracle)
            check_liability(self.books)


_TERMS = {"offline_points": OFFLINE}


def _id(name: str) -> UUID:
    return uuid5(MEI, name)


def spending(till: str, number: int, points: int, at: datetime) -> CountSpending:
    its: dict[str, Any] = {"spending_id": _id(f"spending {till} {number}"), "number": str(number), "points": points}
    return CountSpending(at=at, customer_id=MEI, branch="TOR1", till=till, on=at.date(), **its)


def check_shelf(books: Books, oracle: OracleShop) -> None:
    """What is left and what she has is what there was; a lapsed hold's is back when its account is next asked."""
    lapsed = {h.hold_id for h in books.holds.values() if h.ended is None and h.until and h.until <= books.now}
    hers = [one for one in books.shelf.taken if one.redemption_id not in lapsed]
    assert len(books.shelf.taken) + books.shelf.stock["cream"] == STOCK
    assert len(hers) == oracle.taken <= MOST_EACH


def check_told(books: Books, oracle: OracleShop) -> None:
    """What is worked out from the entries, by when they happened, is what stands."""
    told = [Known(event) for event in books.entries.get(MEI, ()) if isinstance(event, AccountEvent)]
    seen = Hindsight(with_lapses(told, oracle.now))
    figures = oracle.figures()
    assert {name: seen.figure(name, oracle.now) for name in figures} == figures


def check_liability(books: Books) -> None:
    """What is owed to her by entries is what lots and holds have."""
    of = [one for event in books.entries.get(MEI, ()) for one in moved(event)]
    outstanding = sum(one.earned - one.repaid - one.taken_back - one.redeemed - one.expired for one in of)
    held = sum(hold.points for hold in books.accounts.get(MEI, Account()).holds)
    assert sum(one.held for one in of) == held
    assert outstanding == sum(lot.rest for lot in books.lots.get(MEI, {}).values()) + held


def check_gain(account: Account, now: datetime) -> None:
    """Nothing but earning and forgiving makes points."""
    has = account.available(now) + account.waiting(now) + account.reserved(now) - account.as_of(now).debt
    assert has + account.redeemed <= account.earned - account.taken_back + account.forgiven
