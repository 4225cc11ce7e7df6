"""Two customers are one, and two again: whose points, debts, holds and receipts are whose, before and after."""

from datetime import datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid5

import pytest

from contracts.loyalty_points import PointsMerged, PointsSplit
from contracts.membership import CustomersMerged, CustomersSplit, TierChanged
from services.loyalty_points.domain import (
    Account,
    CapturePoints,
    ExpirePoints,
    GiveBackAccount,
    GiveUpAccount,
    HoldPoints,
    RedeemPoints,
    ReleaseHold,
    ReverseRedemption,
)
from services.loyalty_points.earning import Bonus, Cap, Earning
from services.loyalty_points.lifetime import AfterDays, Never
from services.loyalty_points.reactions import react
from services.loyalty_points.terms import Terms
from shared.errors import Rejected
from tests.services.loyalty_points.books import Books, News
from tests.services.stories import customer, joining, refund, sale

MEI, LI, WU = customer(1), customer(2), customer(3)
DAY = timedelta(days=1)
MONDAY = datetime.fromisoformat("2026-03-02T15:00+00:00")
MERGED_AT, SPLIT_AT = MONDAY + 5 * DAY, MONDAY + 20 * DAY
HERS, LIS = sale("1", (MEI, 10_000), at=MONDAY), sale("2", (LI, 4_000), at=MONDAY + DAY)
LATER = sale("3", (MEI, 3_000), at=MONDAY + 6 * DAY)
BEFORE: list[News] = [HERS, LIS, joining(HERS, MEI), joining(LIS, LI)]


def merge(who: UUID, into: UUID, at: datetime = MERGED_AT) -> CustomersMerged:
    return CustomersMerged(at=at, customer_id=who, into=into, merge_id=uuid5(who, f"into {into} {at}"))


def split(of: CustomersMerged, at: datetime = SPLIT_AT) -> CustomersSplit:
    return CustomersSplit(at=at, customer_id=of.customer_id, merged_into=of.into, merge_id=of.merge_id, merged_at=of.at)


MERGE = merge(MEI, LI)


def told(*news: News, terms: Terms | None = None) -> Books:
    return Books(now=MONDAY + 30 * DAY, terms=terms or Terms(expiry=Never())).hear(news)


def has(books: Books, who: UUID) -> tuple[int, int, int]:
    """Return what she can spend, what is held, and what she owes."""
    account = books.accounts.get(who, Account())
    return account.available(books.now), account.reserved(books.now), account.as_of(books.now).debt


def lifetime(books: Books, who: UUID) -> dict[str, int]:
    account = books.accounts.get(who, Account())
    names = ("earned", "taken_back", "redeemed", "expired", "forgiven", "moved")
    return {name: value for name in names if (value := getattr(account, name))}


def redeem(books: Books, who: UUID, points: int, name: str = "redeemed") -> None:
    books.handle(RedeemPoints(at=books.now, customer_id=who, redemption_id=uuid5(LI, name), points=points))


def test_her_points_are_the_others_after_the_merge_and_keep_their_origin() -> None:
    books = told(*BEFORE, MERGE)
    assert (has(books, LI), has(books, MEI)) == ((140, 0, 0), (0, 0, 0))
    assert lifetime(books, LI) == {"earned": 140}
    assert sorted((lot.rest, lot.origin) for lot in books.lots[LI].values()) == [(40, None), (100, MEI)]
    merged = books.entries[LI][-1]
    assert isinstance(merged, PointsMerged)
    assert merged.points == 100


def test_what_is_told_of_the_one_who_was_given_up_lands_on_the_other() -> None:
    books = told(*BEFORE, MERGE, LATER, refund(HERS, (1, 4_000, 6_000), at=MONDAY + 9 * DAY))
    assert has(books, LI) == (130, 0, 0)  # 140 + 30 - 40
    redeem(books, MEI, 130)
    assert has(books, LI) == (0, 0, 0)
    with pytest.raises(Rejected, match="not-enough-points"):
        redeem(books, LI, 1, "too much")


def test_heard_twice_it_merges_once() -> None:
    assert told(*BEFORE, MERGE, MERGE).accounts == told(*BEFORE, MERGE).accounts


def test_debts_are_settled_by_the_others_points_and_only_the_rest_is_owed() -> None:
    owing = told(*BEFORE)
    redeem(owing, MEI, 90)
    owing.hear([refund(HERS, (1, 10_000, 0), at=MONDAY + 2 * DAY)])
    assert has(owing, MEI) == (0, 0, 90)
    owing.hear([MERGE])
    assert has(owing, LI) == (0, 0, 50)
    merged = owing.entries[LI][-1]
    assert isinstance(merged, PointsMerged)
    assert (sum(part.points for part in merged.repaid), merged.debt) == (40, 50)


def test_a_hold_moves_open_and_is_captured_under_either_id() -> None:
    for who in (MEI, LI):
        books, name = told(*BEFORE), uuid5(MEI, "hold")
        books.handle(HoldPoints(at=books.now, customer_id=MEI, hold_id=name, points=70, until=books.now + DAY))
        books.hear([MERGE])
        assert has(books, LI) == (70, 70, 0)
        books.handle(CapturePoints(at=books.now, customer_id=who, hold_id=name, points=60))
        assert (has(books, LI), lifetime(books, LI)) == ((80, 0, 0), {"earned": 140, "redeemed": 60})


def test_a_receipt_of_before_the_merge_earns_by_her_own_joining_however_late_it_is_heard() -> None:
    never_joined: list[News] = [HERS, LIS, joining(LIS, LI)]
    early = sale("0", (MEI, 5_000), at=MONDAY + 3 * DAY)
    for news in ([*never_joined, early, MERGE], [*never_joined, MERGE, early]):
        assert has(told(*news), LI) == (40, 0, 0)  # of Mei's own nothing: she was no member then
    joined: list[News] = [*never_joined, MERGE, early, joining(early, MEI)]
    assert has(told(*joined), LI) == (90, 0, 0)
    assert has(told(*joined, joining(HERS, MEI, moved=True)), LI) == (190, 0, 0)


def test_from_the_merge_on_she_is_a_member_if_either_was_and_nothing_earlier_earns_for_it() -> None:
    lis_later = sale("5", (LI, 2_000), at=MERGED_AT + DAY)
    assert has(told(HERS, joining(HERS, MEI), LIS, MERGE, lis_later), LI) == (120, 0, 0)  # 100 + 20, not the 40


def test_in_whatever_order_it_is_heard_the_points_are_the_same() -> None:
    news: tuple[News, ...] = (joining(HERS, MEI), LIS, joining(LIS, LI), LATER, MERGE)
    ends = {has(told(HERS, *order), LI) for order in permutations(news)}
    assert ends == {(170, 0, 0)}


TIERED = Terms(expiry=Never(), earning=Earning(by_tier={"gold": "2"}))


def test_until_the_merge_each_earns_by_her_own_tier_and_from_it_on_by_the_others() -> None:
    gold = TierChanged(at=MONDAY - DAY, customer_id=LI, tier="gold", was="", spend_minor=0, policy_version=1)
    news: tuple[News, ...] = (LATER, gold, MERGE)
    ends = {has(told(*BEFORE, *order, terms=TIERED), LI) for order in permutations(news)}
    assert ends == {(100 + 80 + 60, 0, 0)}


def test_a_cap_is_each_ones_own_until_the_merge_and_one_from_it_on() -> None:
    double = Bonus(name="double", factor="2", cap=Cap(points=50, per="month"))
    terms = Terms(expiry=Never(), earning=Earning(bonuses=(double,)))
    news: tuple[News, ...] = (LATER, MERGE)
    ends = {has(told(*BEFORE, *order, terms=terms), LI) for order in permutations(news)}
    assert ends == {(100 + 50 + 40 + 40 + 30 + 10, 0, 0)}  # of the other's fifty Li's own receipt has had forty


def test_a_split_gives_back_what_is_left_of_her_lots() -> None:
    books = told(*BEFORE, MERGE, LATER, split(MERGE))
    assert (has(books, MEI), has(books, LI)) == ((130, 0, 0), (40, 0, 0))
    assert (lifetime(books, MEI), lifetime(books, LI)) == ({"earned": 130}, {"earned": 40})
    assert all(isinstance(books.entries[who][-1], PointsSplit) for who in (MEI, LI))
    books.hear([sale("6", (MEI, 1_000), at=SPLIT_AT + DAY)])
    assert (has(books, MEI), has(books, LI)) == ((140, 0, 0), (40, 0, 0))


def test_what_was_spent_stays_spent_and_no_point_is_there_twice() -> None:
    books = told(*BEFORE, MERGE)
    redeem(books, LI, 110)  # her hundred first: they were earned before
    books.hear([split(MERGE)])
    assert (has(books, MEI), has(books, LI)) == ((0, 0, 0), (30, 0, 0))
    both = [lifetime(books, MEI), lifetime(books, LI)]
    assert both == [{"earned": 100, "moved": -100}, {"earned": 40, "redeemed": 110, "moved": 100}]


def test_what_was_spent_while_they_were_one_comes_back_to_the_one_who_stayed() -> None:
    books = told(*BEFORE, MERGE)
    redeem(books, LI, 110)
    books.hear([split(MERGE)])
    books.handle(
        ReverseRedemption(at=books.now, customer_id=LI, redemption_id=uuid5(LI, "redeemed"), reason="wrong-gift")
    )
    assert (has(books, MEI), has(books, LI)) == ((0, 0, 0), (140, 0, 0))


def test_a_hold_of_before_the_merge_goes_back_and_one_of_since_stays() -> None:
    books = told(*BEFORE)
    for who, name in ((MEI, "before"), (LI, "since")):
        hold_id, until = uuid5(MEI, name), books.now + DAY
        books.handle(HoldPoints(at=books.now, customer_id=who, hold_id=hold_id, points=20, until=until))
        if name == "before":
            books.hear([MERGE])
    books.hear([split(MERGE)])
    assert (has(books, MEI), has(books, LI)) == ((60, 20, 0), (40, 20, 0))
    for who, name in ((MEI, "before"), (LI, "since")):
        books.handle(ReleaseHold(at=books.now, customer_id=who, hold_id=uuid5(MEI, name)))
    assert (has(books, MEI), has(books, LI)) == ((80, 0, 0), (60, 0, 0))


def test_a_hold_that_lapsed_meanwhile_gives_back_to_the_lots_before_they_go() -> None:
    books, hold_id = told(*BEFORE, MERGE), uuid5(MEI, "lapses")
    books.handle(HoldPoints(at=books.now, customer_id=LI, hold_id=hold_id, points=60, until=books.now + DAY))
    books.now += 2 * DAY
    books.hear([split(MERGE)])
    assert (has(books, MEI), has(books, LI)) == ((100, 0, 0), (40, 0, 0))


def test_a_hold_that_lapses_while_accounts_merge_or_split_is_given_back_once() -> None:
    for split_too in (False, True):
        books, hold_id = told(*BEFORE), uuid5(MEI, "lapses")
        books.handle(HoldPoints(at=books.now, customer_id=MEI, hold_id=hold_id, points=60, until=books.now + DAY))
        if split_too:
            books.hear([MERGE])
        for command in react(split(MERGE) if split_too else MERGE):
            books.handle(command)
            if isinstance(command, GiveBackAccount if split_too else GiveUpAccount):
                books.now += DAY
        books.handle(ExpirePoints(at=books.now, customer_id=MEI))
        assert sum(has(books, who)[0] for who in (MEI, LI)) == 140
        assert sum(lot.rest for who in (MEI, LI) for lot in books.lots.get(who, {}).values()) == 140


def test_of_a_debt_goes_back_what_she_brought_and_is_still_owed() -> None:
    owing = told(HERS, joining(HERS, MEI), LIS, joining(LIS, LI))
    for who, points in ((MEI, 100), (LI, 40)):
        redeem(owing, who, points, str(who))
    owing.hear([refund(HERS, (1, 10_000, 0), at=MONDAY + 2 * DAY), refund(LIS, (1, 4_000, 0), at=MONDAY + 2 * DAY)])
    owing.hear([MERGE])
    assert has(owing, LI) == (0, 0, 140)
    owing.hear([sale("7", (LI, 6_000), at=MERGED_AT + DAY), split(MERGE)])
    assert (has(owing, MEI), has(owing, LI)) == ((0, 0, 80), (0, 0, 0))


def test_a_receipt_of_the_merged_time_earns_as_her_own_after_the_split_whenever_it_is_heard() -> None:
    gold = TierChanged(at=MONDAY - DAY, customer_id=LI, tier="gold", was="", spend_minor=0, policy_version=1)
    heard: tuple[News, ...] = (LATER, MERGE, split(MERGE))
    ends = {
        (has(books, MEI)[0], has(books, LI)[0])
        for order in permutations(heard)
        if order.index(MERGE) < order.index(split(MERGE))
        for books in [told(*BEFORE, gold, *order, terms=TIERED)]
    }
    assert ends == {(130, 80)}


def test_a_chain_is_one_account_and_comes_apart_link_by_link() -> None:
    wus = sale("8", (WU, 1_000), at=MONDAY)
    on = merge(LI, WU, MERGED_AT + DAY)
    news: list[News] = [*BEFORE, wus, joining(wus, WU)]
    for order in ([MERGE, on], [on, MERGE]):  # loyalty may hear the later one first
        books = told(*news, *order)
        assert has(books, WU) == (150, 0, 0)
        books.hear([LATER, split(on)])
        assert (has(books, WU), has(books, LI)) == ((10, 0, 0), (170, 0, 0))
        books.hear([split(MERGE)])
        assert [has(books, who)[0] for who in (MEI, LI, WU)] == [130, 40, 10]


def test_who_is_given_up_for_one_who_was_given_up_for_her_is_no_ring_though_the_split_is_heard_last() -> None:
    back = merge(LI, MEI, SPLIT_AT + DAY)
    orders: list[list[News]] = [[split(MERGE), back], [back, split(MERGE)]]
    for order in orders:
        books = told(*BEFORE, MERGE, *order, LATER)
        assert (has(books, MEI), has(books, LI)) == ((170, 0, 0), (0, 0, 0))
        assert books.whose(LI) == MEI


def test_merged_again_it_is_as_if_they_had_never_been_two() -> None:
    again = merge(MEI, LI, SPLIT_AT + DAY)
    books = told(*BEFORE, MERGE)
    redeem(books, LI, 110)
    books.hear([split(MERGE), again])
    assert has(books, LI) == (30, 0, 0)
    books.handle(
        ReverseRedemption(at=books.now, customer_id=LI, redemption_id=uuid5(LI, "redeemed"), reason="wrong-gift")
    )
    assert has(books, LI) == (140, 0, 0)
    assert sum(lot.rest for lot in books.lots[LI].values()) == 140


def test_on_a_receipt_of_both_each_has_earned_her_own_lines() -> None:
    shared = sale("9", (MEI, 5_000), (LI, 2_000), at=MONDAY)
    books = told(shared, joining(shared, MEI), joining(shared, LI), MERGE, refund(shared, (1, 5_000, 0), at=SPLIT_AT))
    assert has(books, LI) == (20, 0, 0)
    books.hear([shared])
    assert has(books, LI) == (20, 0, 0)


def test_an_account_of_many_receipts_moves_by_its_totals() -> None:
    many = [sale(str(n), (MEI, 1_000), at=MONDAY + timedelta(minutes=n)) for n in range(300)]
    books = told(joining(many[0], MEI), *many, MERGE, terms=Terms(expiry=AfterDays(days=300)))
    assert has(books, LI) == (3_000, 0, 0)
    assert max(len(event.to_json()) for event in (*books.entries[MEI][-1:], *books.entries[LI])) < 1_500
