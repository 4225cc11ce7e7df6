"""A receipt is closed once, and no more of it is given back than was paid."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.pos import LineKind, RefundedLine, SaleLine, SaleRecorded, SaleRefunded, sale_id
from services.pos.sale import domain
from services.pos.sale.domain import GivenBack, RecordSale, RefundSale
from shared.errors import Rejected
from tests.scenario import Scenario

SALE = Scenario(domain)
AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
KERT = UUID("00000000-0000-5000-8000-000000000001")


def lines(*net_minor: int) -> tuple[SaleLine, ...]:
    return tuple(
        SaleLine(
            line=n,
            code="CUT",
            name="Cut",
            kind=LineKind.SERVICE,
            quantity=1,
            list_minor=net,
            net_minor=net,
            customer_id=KERT,
        )
        for n, net in enumerate(net_minor, start=1)
    )


def record(*net_minor: int, currency: str = "CAD") -> RecordSale:
    return RecordSale(
        at=AT,
        sale_id=sale_id("TOR1", "TOR1-1", "1001"),
        branch="TOR1",
        till="TOR1-1",
        number="1001",
        zone="America/Toronto",
        on=date(2026, 11, 20),
        currency=currency,
        chain_currency="CAD",
        lines=lines(*net_minor),
    )


def recorded(*net_minor: int) -> SaleRecorded:
    told = record(*net_minor).model_dump(exclude={"chain_currency"})
    return SaleRecorded(**told, net_minor=sum(net_minor))


def give_back(*backs: tuple[int, int], currency: str = "CAD") -> RefundSale:
    return RefundSale(
        at=AT + timedelta(days=1),
        sale_id=sale_id("TOR1", "TOR1-1", "1001"),
        branch="TOR1",
        till="TOR1-2",
        zone="America/Toronto",
        on=date(2026, 11, 21),
        currency=currency,
        lines=tuple(GivenBack(line=line, amount_minor=minor) for line, minor in backs),
    )


def given_back(*backs: tuple[int, int, int]) -> SaleRefunded:
    told = give_back().model_dump(exclude={"lines"})
    refunded = tuple(
        RefundedLine(line=line, customer_id=KERT, refunded_minor=minor, left_minor=left) for line, minor, left in backs
    )
    sold: dict[str, Any] = {"number": "1001", "sold_at": AT, "sold_on": date(2026, 11, 20)}
    return SaleRefunded(**told, **sold, lines=refunded, refunded_minor=sum(minor for _, minor, _ in backs))


def test_a_closed_receipt_is_recorded_with_the_sum_of_its_lines() -> None:
    SALE.when(record(82_00, -10_00)).then(recorded(82_00, -10_00))


def test_a_receipt_may_come_to_nothing() -> None:
    SALE.when(record(10_00, -10_00)).then(recorded(10_00, -10_00))


def test_a_receipt_below_zero_is_refused() -> None:
    SALE.when(record(10_00, -10_01)).rejected("receipt-negative")


def test_a_receipt_in_another_currency_is_refused() -> None:
    SALE.when(record(10_00, currency="USD")).rejected("currency-mismatch")


def test_a_number_is_no_second_receipts() -> None:
    SALE.given(recorded(10_00)).when(record(10_00)).rejected("receipt-reused")


def test_a_refund_leaves_the_rest_of_its_line() -> None:
    SALE.given(recorded(82_00, 20_00)).when(give_back((1, 30_00))).then(given_back((1, 30_00, 52_00)))


def test_refunds_add_up() -> None:
    SALE.given(recorded(82_00), given_back((1, 80_00, 2_00))).when(give_back((1, 2_01))).rejected("refund-beyond-line")


def test_a_refund_that_names_a_line_twice_adds_up_too() -> None:
    SALE.given(recorded(82_00)).when(give_back((1, 80_00), (1, 2_01))).rejected("refund-beyond-line")


def test_a_refund_beyond_its_receipt_is_refused_though_its_line_has_more() -> None:
    SALE.given(recorded(82_00, -10_00)).when(give_back((1, 72_01))).rejected("refund-beyond-receipt")


def test_an_adjustment_is_not_given_back() -> None:
    SALE.given(recorded(82_00, -10_00)).when(give_back((2, 1))).rejected("refund-beyond-line")


def test_a_refund_of_a_line_that_is_not_there_is_refused() -> None:
    SALE.given(recorded(82_00)).when(give_back((2, 1_00))).rejected("line-unknown")


def test_a_refund_in_another_currency_is_refused() -> None:
    SALE.given(recorded(82_00)).when(give_back((1, 1_00), currency="USD")).rejected("currency-mismatch")


def test_a_refund_of_a_receipt_nobody_has_told_of_is_not_decided() -> None:
    SALE.when(give_back((1, 1_00))).rejected("sale-unknown")


AMOUNTS = st.integers(-50_00, 90_00)
BACKS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60_00)), min_size=1, max_size=3)


@given(st.lists(AMOUNTS, min_size=1, max_size=3), st.lists(BACKS, max_size=12))
def test_whatever_is_asked_back_no_line_and_no_receipt_gives_more_than_it_has(
    nets: list[int], asked: list[list[tuple[int, int]]]
) -> None:
    state: domain.Sale | None = domain.initial
    back = dict.fromkeys(range(1, len(nets) + 1), 0)
    commands: list[RecordSale | RefundSale] = [record(*nets), *(give_back(*backs) for backs in asked)]
    for command in commands:
        try:
            (event,) = domain.decide(command, state)
        except Rejected:
            continue
        state = domain.evolve(state, event)
        for line in event.lines if isinstance(event, SaleRefunded) else ():
            back[line.line] += line.refunded_minor
            assert line.left_minor == nets[line.line - 1] - back[line.line]
    assert all(back[n] <= max(0, net) for n, net in enumerate(nets, start=1))
    assert sum(back.values()) <= max(0, sum(nets))
    assert (state is None) == (sum(nets) < 0)
