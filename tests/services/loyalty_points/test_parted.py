"""Lots that a split divided, and the two become one again: under each other, or both under a third."""

from uuid import UUID, uuid5

import pytest

from services.loyalty_points.domain import (
    CapturePoints,
    CountSpending,
    HoldPoints,
    RedeemPoints,
    ReleaseHold,
    ReverseRedemption,
)
from shared.errors import Rejected
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.persons import check_books, check_told
from tests.services.loyalty_points.test_merging import (
    BEFORE,
    DAY,
    LI,
    MEI,
    MERGE,
    MERGED_AT,
    MONDAY,
    SPLIT_AT,
    WU,
    has,
    merge,
    redeem,
    split,
    told,
)


def parted(points: int) -> Books:
    """Return the two after a merge in which Li redeemed: first what was Mei's, for it was earned before."""
    books = told(*BEFORE, MERGE)
    redeem(books, LI, points)
    return books.hear([split(MERGE)])


def test_a_lot_that_was_divided_and_comes_together_again_is_still_hers() -> None:
    back, on, hers = (merge(who, into, SPLIT_AT + DAY) for who, into in ((LI, MEI), (MEI, WU), (LI, WU)))
    for merges, undone in (((back,), back), ((on, hers), on), ((hers, on), on), ((on, hers), hers)):
        books = parted(60).hear([*merges, split(undone, SPLIT_AT + 2 * DAY)])
        assert sorted(has(books, who)[0] for who in (MEI, LI, WU)) == [0, 40, 40]
        assert has(books, undone.customer_id) == (40, 0, 0)
        for who in (MEI, LI, WU):
            check_books(books, who)


def test_what_she_spent_of_anothers_comes_back_to_her_wherever_both_went_meanwhile() -> None:
    on, hers = merge(MEI, WU, SPLIT_AT + DAY), merge(LI, WU, SPLIT_AT + DAY)
    for undone in (on, hers):
        books = parted(110).hear([on, hers, split(undone, SPLIT_AT + 2 * DAY)])
        books.handle(
            ReverseRedemption(at=books.now, customer_id=LI, redemption_id=uuid5(LI, "redeemed"), reason="wrong-gift")
        )
        assert has(books, books.whose(LI)) == (140, 0, 0)
        check_told(books, (MEI, LI, WU))
        for who in (MEI, LI, WU):
            check_books(books, who)


def test_an_id_that_names_something_of_anothers_is_refused_so_that_it_names_one_thing_when_they_are_one() -> None:
    books, name, until = told(*BEFORE), uuid5(LI, "one id"), MONDAY + 40 * DAY
    books.handle(HoldPoints(at=books.now, customer_id=LI, hold_id=name, points=20, until=until))
    for command, code in (
        (HoldPoints(at=books.now, customer_id=MEI, hold_id=name, points=20, until=until), "hold-differs"),
        (RedeemPoints(at=books.now, customer_id=MEI, redemption_id=name, points=20), "redemption-differs"),
        (CapturePoints(at=books.now, customer_id=MEI, hold_id=name, points=20), "hold-unknown"),
        (ReleaseHold(at=books.now, customer_id=MEI, hold_id=name), "hold-unknown"),
        (ReverseRedemption(at=books.now, customer_id=MEI, redemption_id=name, reason="mistake"), "redemption-unknown"),
        (spending(name), "hold-differs"),
    ):
        with pytest.raises(Rejected, match=code):
            books.handle(command)
    assert (has(books, MEI), has(books, LI)) == ((100, 0, 0), (20, 20, 0))
    redeem(books, LI, 5, "spent")
    spent = uuid5(LI, "spent")
    with pytest.raises(Rejected, match="redemption-unknown"):
        books.handle(ReverseRedemption(at=books.now, customer_id=MEI, redemption_id=spent, reason="mistake"))
    books.handle(ReverseRedemption(at=books.now, customer_id=LI, redemption_id=spent, reason="mistake"))
    books.hear([MERGE]).handle(ReleaseHold(at=books.now, customer_id=MEI, hold_id=name))
    assert has(books, LI) == (140, 0, 0)


def test_what_a_till_let_her_spend_counts_once_though_it_is_told_again_after_a_split() -> None:
    books, told_of = told(*BEFORE, MERGE), spending(uuid5(LI, "offline"))
    for again in range(3):
        books.handle(told_of)
        assert sum(has(books, who)[0] for who in (MEI, LI)) == 110
        if not again:
            books.hear([split(MERGE)])


def spending(name: UUID) -> CountSpending:
    """Return what a till tells: Mei spent thirty points while the two were one."""
    at = MERGED_AT + DAY
    return CountSpending(
        at=at, customer_id=MEI, spending_id=name, branch="TOR1", till="1", number="77", on=at.date(), points=30
    )


def test_of_a_lot_that_went_back_whole_nothing_says_whose_it_is() -> None:
    hours = [SPLIT_AT + DAY * hour / 24 for hour in range(5)]
    on, hers = merge(MEI, WU, hours[1]), merge(LI, WU, hours[3])
    books = told(*BEFORE, MERGE).hear([split(MERGE), on])
    redeem(books, WU, 10)
    books.hear([split(on, hours[2])])
    redeemed = uuid5(LI, "redeemed")
    books.handle(ReverseRedemption(at=books.now, customer_id=WU, redemption_id=redeemed, reason="wrong-gift"))
    for news in (hers, split(hers, hours[4])):
        books.hear([news])
        check_told(books, (MEI, LI, WU))
    assert [has(books, who)[0] for who in (MEI, LI, WU)] == [90, 40, 10]
