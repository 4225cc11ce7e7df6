"""What membership does about the tills' news."""

from typing import Any

from services.membership.domain import CountRefund, CountSale
from services.membership.reactions import react
from tests.services.stories import customer, refund, sale

MEI, LI = customer(1), customer(2)
SHARED = sale("1003", (MEI, 8200), (LI, 500), (None, 900), (MEI, -200))


def test_each_customer_of_a_receipt_counts_her_own_lines() -> None:
    common: dict[str, Any] = {
        "at": SHARED.at,
        "sale_id": SHARED.sale_id,
        "branch": "TOR1",
        "order": SHARED.order,
    }
    assert react(SHARED) == [
        CountSale(**common, customer_id=MEI, lines={1: 8200, 4: -200}),
        CountSale(**common, customer_id=LI, lines={2: 500}),
    ]


def test_nobodys_receipt_is_nobodys() -> None:
    assert react(sale("1004", (None, 8200))) == []


def test_a_refund_is_of_those_whose_lines_it_names() -> None:
    back = refund(SHARED, (2, 100, 400), (3, 900, 0))
    assert react(back) == [CountRefund(at=back.at, customer_id=LI, sale_id=SHARED.sale_id, lines={2: 400})]
