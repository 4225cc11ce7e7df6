"""Three ids that turn out to be one person, or two after all, and what each may have: from receipts alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from contracts.membership import CustomersMerged
from contracts.pos import SaleRecorded
from services.loyalty_points.domain import Account, AccountEvent
from services.loyalty_points.domain.hindsight import FIGURES
from services.loyalty_points.domain.known import Known
from services.loyalty_points.standing import standing, stood
from services.loyalty_points.statement.period import statement
from tests.services.loyalty_points.books import Books
from tests.services.stories import Joining


@dataclass
class Persons:
    """What has happened; a point is earned for each hundred of what is left of a receipt."""

    sales: list[SaleRecorded] = field(default_factory=list)
    left: dict[UUID, int] = field(default_factory=dict)
    joined: dict[UUID, str] = field(default_factory=dict)
    merges: dict[UUID, CustomersMerged] = field(default_factory=dict)
    spent: int = 0

    def join(self, news: Joining) -> None:
        self.joined[news.customer_id] = min(self.joined.get(news.customer_id, news.joined_order), news.joined_order)

    def whose(self, who: UUID) -> UUID:
        """Return whose account hers is a part of now."""
        return self.whose(self.merges[who].into) if who in self.merges else who

    def kept(self, sold: SaleRecorded) -> int:
        """Return what a receipt has earned and kept: she is a member if any id that was hers by then had joined."""
        ids = {who for who in self.joined if self._as_whom(who, sold) == self._as_whom(buyer(sold), sold)}
        earns = any(self.joined[who] <= sold.order for who in ids)
        return self.left[sold.sale_id] // 100 if earns else 0

    def _as_whom(self, who: UUID, sold: SaleRecorded) -> UUID:
        merge = self.merges.get(who)
        return self._as_whom(merge.into, sold) if merge and merge.at <= sold.at else who

    def worth(self, who: UUID) -> int:
        """Return what an account has, less what it owes, when nobody has spent anything."""
        return sum(self.kept(sold) for sold in self.sales if self.whose(buyer(sold)) == who)


def buyer(sold: SaleRecorded) -> UUID:
    who = sold.lines[0].customer_id
    assert who
    return who


def worth(books: Books, who: UUID) -> int:
    """Return what there is on an account, less what it owes."""
    account = books.accounts.get(who, Account()).as_of(books.now)
    reserved = sum(hold.points for hold in account.holds)
    return _totals(account) + reserved - account.debt


def _totals(account: Account) -> int:
    return sum(one.points for one in account.active) + sum(one.points for one in account.pending)


def check_persons(books: Books, persons: Persons, ids: Iterable[UUID]) -> None:
    """Nothing is won or lost by a merge or split; and each has her own where nothing was spent."""
    ids = list(ids)
    assert sum(worth(books, who) for who in ids) == sum(persons.kept(sold) for sold in persons.sales) - persons.spent
    if not persons.spent and not books.holds:
        assert {who: worth(books, who) for who in ids} == {who: persons.worth(who) for who in ids}
    for who in ids:
        check_books(books, who)


def check_told(books: Books, ids: Iterable[UUID]) -> None:
    """What is worked out from the entries of all, by when they happened, is what stands of each; and why adds up."""
    told = [Known(event, "account/1", books.now, who) for who, event in books.log if isinstance(event, AccountEvent)]
    for who in ids:
        account = books.accounts.get(who, Account())
        if account.moved_to is None and books.log:
            stands, then = standing(account, books.now), stood(told, books.now, who)
            assert {name: then[name] for name in FIGURES if name != "next_expiry"} == {
                name: stands[name] for name in FIGURES if name != "next_expiry"
            }
            made = statement(told, books.now.date(), books.now.date(), books.now, who)
            left = stands["available"] + stands["pending"] + stands["reserved"] - stands["debt"]
            assert (made.closing, made.left["available"]) == (left, stands["available"])


def check_books(books: Books, who: UUID) -> None:
    """The lots are what the account says, which is what came less what went; nothing is below zero."""
    account, lots = books.accounts.get(who, Account()), list(books.lots.get(who, {}).values())
    totals = _totals(account)
    held = sum(hold.points for hold in account.holds)
    assert sum(lot.rest for lot in lots) == totals
    assert all(min(lot.rest, lot.drawn, lot.taken_back, lot.repaid, lot.expired) >= 0 for lot in lots)
    lived = account.earned + account.forgiven - account.taken_back - account.redeemed - account.expired + account.moved
    assert totals + held - account.debt == lived
    assert all(one.points > 0 for one in account.active)
    assert all(one.points > 0 for one in account.pending)
    assert all(hold.points > 0 for hold in account.holds)
    assert not account.as_of(books.now).debt or not account.available(books.now) + account.waiting(books.now)
    figures = (account.earned, account.taken_back, account.redeemed, account.expired, account.debt)
    assert min(figures) >= 0
    if account.moved_to:
        assert (totals, held, account.debt, lots) == (0, 0, 0, [])
    ids = {lot.origin for lot in lots if lot.origin}
    assert ids <= {other.customer_id for other in account.others}
