"""A refund never gives points, whatever bonuses a receipt has had. Amounts are minor units of dollars."""

from typing import Any

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from contracts.pos import SaleRecorded
from services.loyalty_points.domain import RecountReceipts
from services.loyalty_points.domain.lots import lot_id
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import (
    SECOND,
    THIRD,
    available,
    hold,
    redeem,
    release,
    with_points,
)
from tests.services.stories import customer, joining, refund, sale

MEI = customer(1)


def of_two_lines(cut_minor: int, colour_minor: int) -> SaleRecorded:
    bought = sale("1", (MEI, cut_minor), (MEI, colour_minor))
    cut, colour = bought.lines
    return bought.model_copy(update={"lines": (cut, colour.model_copy(update={"code": "COLOUR"}))})


def left(bought: SaleRecorded, cut_minor: int, *bonuses: dict[str, Any]) -> tuple[int, int, int]:
    """Return what she could spend before some of her cut was refunded, what after it, and what was taken back."""
    terms = Terms.model_validate({"expiry": Never(), "earning": {"bonuses": bonuses}})
    books = Books(terms=terms).hear([bought, joining(bought, MEI)])
    before = books.accounts[MEI].available(books.now)
    entries = len(books.entries[MEI])
    books.hear([refund(bought, (1, bought.lines[0].net_minor - cut_minor, cut_minor))])
    assert not any(isinstance(event, PointsEarned) for event in books.entries[MEI][entries:])
    account = books.accounts[MEI]
    return before, account.available(books.now), account.taken_back


def test_extra_points_that_a_receipt_never_had_do_not_come_with_a_refund() -> None:
    few = {"name": "cuts", "extra": 200, "codes": ["CUT"], "cap": {"points": 5, "per": "ever"}}
    many = {"name": "colours", "extra": 100, "codes": ["COLOUR"]}
    assert left(of_two_lines(100, 10_000), 0, few, many) == (106, 105, 1)


def test_extra_points_of_another_bonus_are_left_where_a_refund_leaves_its_lines() -> None:
    many = {"name": "cuts", "extra": 200, "codes": ["CUT"]}
    few = {"name": "colours", "extra": 100, "codes": ["COLOUR"]}
    assert left(of_two_lines(100, 10_000), 0, many, few) == (301, 200, 101)


def test_a_refund_of_cents_makes_no_point_by_rounding_beside_a_cap() -> None:
    capped = {"name": "cuts", "factor": "2", "codes": ["CUT"], "cap": {"points": 1, "per": "ever"}}
    free = {"name": "colours", "factor": "2", "codes": ["COLOUR"]}
    # 3.30, 5.10 and 6.60 were 3, 1 of 2, and 1 more; 3.20, 4.90 and 6.40 would be 3, 1 and 2 more
    assert left(of_two_lines(180, 150), 170, capped, free) == (5, 5, 0)


def test_a_correction_that_gives_less_and_keeps_more_of_extra_points_alone_is_told_by_both_rules() -> None:
    bought = of_two_lines(100, 100)
    books = Books(terms=extra_alone("colours", "COLOUR", 100)).hear([bought, joining(bought, MEI)])
    books.hear([refund(bought, (2, 100, 0))])
    assert books.accounts[MEI].available(books.now) == 0
    books.terms = extra_alone("cuts", "CUT", 50)
    earned, corrected = books.handle(RecountReceipts(at=books.now, customer_id=MEI, version=2))[1:]
    assert isinstance(earned, PointsEarned)
    assert isinstance(corrected, PointsTakenBack)
    assert (earned.points, corrected.points, corrected.corrected) == (50, 0, 100)
    assert {(one.rule, one.points) for one in corrected.by} == {
        ("bonus/cuts", 50),
        ("bonus/colours", -100),
        ("base", -50),
    }
    account = books.accounts[MEI]
    assert (account.available(books.now), account.earned, account.taken_back) == (50, 50, 0)


def extra_alone(name: str, code: str, points: int) -> Terms:
    bonus = {"name": name, "extra": points, "codes": [code]}
    return Terms.model_validate({"points_per_unit": "0", "expiry": Never(), "earning": {"bonuses": [bonus]}})


def test_points_that_had_to_wait_settle_a_debt_like_any_when_they_come_back() -> None:
    books = with_points(Terms(pending_days=1, expiry=Never()))
    books.handle(hold(books, 20))
    books.hear([refund(SECOND, (1, 1_000, 0)), refund(THIRD, (1, 1_000, 0))])
    assert (books.accounts[MEI].debt, available(books)) == (10, 0)
    books.handle(release(books))
    assert (books.accounts[MEI].debt, available(books), books.accounts[MEI].waiting(books.now)) == (0, 10, 0)


def test_what_is_taken_back_of_points_that_are_all_spent_is_told_of_the_receipts_own_lot() -> None:
    books = with_points(Terms(expiry=Never()))
    books.handle(redeem(books, 30))
    books.hear([refund(SECOND, (1, 400, 600))])
    *_, taken = books.entries[MEI]
    assert isinstance(taken, PointsTakenBack)
    assert taken.lot_id == lot_id(MEI, f"sale/{SECOND.sale_id}")
    assert (taken.points, taken.lots, taken.debt) == (4, (), 4)
