"""A customer's points, sentence by sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsRedeemed, PointsTakenBack
from services.loyalty_points import domain
from services.loyalty_points.domain import (
    CountReceipt,
    CountRefund,
    EarningStarted,
    Ledger,
    ReceiptNoted,
    ReceiptReduced,
    StartEarning,
)
from services.loyalty_points.domain.lots import Lot, lot_id
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import Terms
from services.loyalty_points.worth import Sold
from shared.message import Event
from tests.scenario import Scenario
from tests.services.stories import FIRST_DAY

MEI = UUID("00000000-0000-5000-8000-0000000000aa")
CUT = UUID("00000000-0000-5000-8000-0000000000b1")
COLOUR = UUID("00000000-0000-5000-8000-0000000000b2")
ONE_A_UNIT = Terms()
LATER = FIRST_DAY + timedelta(days=3)
YEAR_END = datetime(2027, 1, 1, 5, tzinfo=UTC)

POINTS = Scenario(domain)
JOINED = EarningStarted(at=FIRST_DAY, customer_id=MEI, joined_order="b")


def heard(order: str, *net_minor: int, terms: Terms = ONE_A_UNIT) -> CountReceipt:
    return CountReceipt(
        at=FIRST_DAY,
        customer_id=MEI,
        sale_id=CUT,
        branch="TOR1",
        zone="America/Toronto",
        on=FIRST_DAY.date(),
        order=order,
        lines=dict(enumerate(net_minor, start=1)),
        terms=terms,
        policy_version=3,
    )


def noted(sale: CountReceipt) -> ReceiptNoted:
    brought = {"is_known", "terms", "tier", "birthday_month", "others", "ledger"}
    return ReceiptNoted(**sale.model_dump(exclude=brought), net_minor=sum(sale.lines.values()))


def receipt(order: str, net_minor: int, left_minor: int | None = None, sale_id: UUID = CUT) -> Receipt:
    return Receipt(
        sale_id=sale_id,
        branch="TOR1",
        zone="America/Toronto",
        on=FIRST_DAY.date(),
        sold_at=FIRST_DAY,
        order=order,
        sold={1: Sold(net_minor)},
        left={1: net_minor if left_minor is None else left_minor},
        refunded_at=None if left_minor is None else LATER,
        policy_version=3,
    )


def counted(known: Receipt) -> Receipt:
    """Return the receipt when it has earned a point for each hundred."""
    points, kept = known.sold[1].net_minor // 100, known.left[1] // 100
    return replace(known, earned={"base": points}, kept=kept, lots=1)


def earned(points: int, balance: int, *, repaid: int = 0, debt: int = 0, sale_id: UUID = CUT) -> PointsEarned:
    return PointsEarned(
        at=FIRST_DAY,
        customer_id=MEI,
        sale_id=sale_id,
        branch="TOR1",
        on=FIRST_DAY.date(),
        points=points,
        repaid=repaid,
        balance=balance,
        debt=debt,
        policy_version=3,
        booked_at=FIRST_DAY,
        lot_id=lot_of(sale_id),
        source=f"sale/{sale_id}",
        expires_at=YEAR_END,
    )


def lot_of(sale_id: UUID) -> UUID:
    return lot_id(MEI, f"sale/{sale_id}")


def lot(points: int, *, drawn: int = 0) -> Lot:
    return Lot(
        lot_of(CUT),
        "TOR1",
        FIRST_DAY.date(),
        FIRST_DAY,
        active_from=None,
        expires_at=YEAR_END,
        points=points,
        drawn=drawn,
    )


def taken_back(points: int, balance: int, *, of: Lot, debt: int = 0, at: datetime = LATER) -> PointsTakenBack:
    return PointsTakenBack(
        at=LATER,
        customer_id=MEI,
        sale_id=CUT,
        branch="TOR1",
        on=FIRST_DAY.date(),
        points=points,
        balance=balance,
        debt=debt,
        policy_version=3,
        booked_at=at,
        lot_id=lot_of(CUT),
        lots=(of.part(points - debt),) if points > debt else (),
    )


def redeemed(points: int, balance: int, of: Lot) -> PointsRedeemed:
    return PointsRedeemed(
        at=FIRST_DAY, customer_id=MEI, redemption_id=COLOUR, points=points, lots=(of.part(points),), balance=balance
    )


def given_back(left_minor: int, of: Receipt | None, *lots: Lot) -> CountRefund:
    ledger = Ledger(LATER, lots)
    return CountRefund(at=LATER, customer_id=MEI, sale_id=CUT, lines={1: left_minor}, receipt=of, ledger=ledger)


def test_a_receipt_of_nobody_yet_a_member_is_noted_and_earns_nothing() -> None:
    POINTS.when(heard("b", 8200)).then(noted(heard("b", 8200)))


def test_the_joining_receipt_earns() -> None:
    POINTS.given(JOINED).when(heard("b", 8200)).then(noted(heard("b", 8200)), earned(82, 82))


def test_a_receipt_before_the_joining_one_never_earns() -> None:
    POINTS.given(JOINED).when(heard("a", 8200)).then(noted(heard("a", 8200)))


def test_points_are_of_the_whole_receipt_rounded_down() -> None:
    POINTS.given(JOINED).when(heard("c", 150, 150, -1)).then(noted(heard("c", 150, 150, -1)), earned(2, 2))


def test_less_than_a_point_is_no_entry() -> None:
    POINTS.given(JOINED).when(heard("c", 99)).then(noted(heard("c", 99)))


def test_own_lines_below_zero_earn_nothing() -> None:
    POINTS.given(JOINED).when(heard("c", 100, -500)).then(noted(heard("c", 100, -500)))


def test_the_rate_of_the_policy_is_exact() -> None:
    half_as_much_again = heard("c", 10001, terms=Terms(points_per_unit="1.5"))
    POINTS.given(JOINED).when(half_as_much_again).then(noted(half_as_much_again), earned(150, 150))


def test_a_receipt_told_twice_earns_once() -> None:
    told_twice = heard("c", 8200).model_copy(update={"is_known": True})
    POINTS.given(JOINED, noted(heard("c", 8200)), earned(82, 82)).when(told_twice).then()


def test_a_membership_that_is_heard_late_earns_on_what_waited() -> None:
    join = StartEarning(
        at=FIRST_DAY,
        customer_id=MEI,
        joined_order="b",
        waiting=(receipt("b", 8200), receipt("c", 1850, sale_id=COLOUR)),
    )
    POINTS.when(join).then(JOINED, earned(82, 82), earned(18, 100, sale_id=COLOUR))


def test_a_receipt_refunded_before_the_membership_was_heard_shows_both() -> None:
    join = StartEarning(at=FIRST_DAY, customer_id=MEI, joined_order="b", waiting=(receipt("b", 8200, 3150),))
    POINTS.when(join).then(JOINED, earned(82, 82), taken_back(51, 31, of=lot(82), at=FIRST_DAY))


def test_a_membership_that_moves_earlier_earns_only_on_what_had_not_earned() -> None:
    earlier = StartEarning(
        at=FIRST_DAY,
        customer_id=MEI,
        joined_order="a",
        waiting=(receipt("a", 500, sale_id=COLOUR), counted(receipt("b", 8200))),
    )
    moved = EarningStarted(at=FIRST_DAY, customer_id=MEI, joined_order="a")
    POINTS.given(JOINED, earned(82, 82)).when(earlier).then(moved, earned(5, 87, sale_id=COLOUR))


def test_a_membership_told_again_or_later_changes_nothing() -> None:
    for order in ("b", "c"):
        again = StartEarning(at=FIRST_DAY, customer_id=MEI, joined_order=order, waiting=(receipt("c", 500),))
        POINTS.given(JOINED).when(again).then()


def test_a_refund_takes_back_the_difference() -> None:
    reduced = ReceiptReduced(at=LATER, customer_id=MEI, sale_id=CUT, lines={1: 8150})
    POINTS.given(JOINED, earned(82, 82)).when(given_back(8150, counted(receipt("b", 8200)), lot(82))).then(
        reduced, taken_back(1, 81, of=lot(82))
    )


def test_a_refund_that_leaves_the_points_as_they_are_is_no_entry() -> None:
    reduced = ReceiptReduced(at=LATER, customer_id=MEI, sale_id=CUT, lines={1: 8201})
    POINTS.given(JOINED, earned(82, 82)).when(given_back(8201, counted(receipt("b", 8299)))).then(reduced)


def test_a_refund_told_twice_takes_back_once() -> None:
    POINTS.given(JOINED, earned(82, 82), taken_back(51, 31, of=lot(82))).when(
        given_back(3150, counted(receipt("b", 8200, 3150)))
    ).then()


def test_a_refund_of_what_never_earned_is_only_noted() -> None:
    reduced = ReceiptReduced(at=LATER, customer_id=MEI, sale_id=CUT, lines={1: 0})
    POINTS.given(JOINED).when(given_back(0, receipt("a", 8200))).then(reduced)


def test_a_refund_of_a_receipt_that_was_never_heard_is_refused() -> None:
    POINTS.given(JOINED).when(given_back(0, None)).rejected("sale-unknown")


def test_what_the_balance_cannot_give_back_is_a_stated_debt() -> None:
    reduced: Event = ReceiptReduced(at=LATER, customer_id=MEI, sale_id=CUT, lines={1: 0})
    spent = redeemed(52, 30, lot(82))
    POINTS.given(JOINED, earned(82, 82), spent).when(
        given_back(0, counted(receipt("b", 8200)), lot(82, drawn=52))
    ).then(reduced, taken_back(82, 0, of=lot(82), debt=52))


def test_the_next_earnings_pay_the_debt_first() -> None:
    in_debt = (JOINED, taken_back(52, 0, of=lot(52), debt=52))
    POINTS.given(*in_debt).when(heard("c", 8200)).then(noted(heard("c", 8200)), earned(82, 30, repaid=52))
    POINTS.given(*in_debt).when(heard("c", 200)).then(noted(heard("c", 200)), earned(2, 0, repaid=2, debt=50))
