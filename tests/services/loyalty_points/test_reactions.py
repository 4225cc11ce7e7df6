"""What the points ledger does about others' news."""

from typing import Any

from contracts.membership import BirthdayMonthTold, TierChanged
from services.loyalty_points.domain import CountReceipt, CountRefund, NoteBirthdayMonth, NoteTier, StartEarning
from services.loyalty_points.reactions import react
from services.loyalty_points.worth import Item
from tests.services.stories import customer, joining, refund, sale

MEI, LI = customer(1), customer(2)
CUT = Item("service", "CUT")
SHARED = sale("1003", (MEI, 8200), (LI, 500), (None, 900), (MEI, -200))


def test_each_customer_of_a_receipt_counts_her_own_lines() -> None:
    common: dict[str, Any] = {
        "at": SHARED.at,
        "sale_id": SHARED.sale_id,
        "branch": "TOR1",
        "zone": "America/Toronto",
        "on": SHARED.on,
        "order": SHARED.order,
        "till": "TOR1-1",
        "number": "1003",
    }
    assert react(SHARED) == [
        CountReceipt(**common, customer_id=MEI, lines={1: 8200, 4: -200}, items={1: CUT, 4: CUT}),
        CountReceipt(**common, customer_id=LI, lines={2: 500}, items={2: CUT}),
    ]


def test_nobodys_receipt_is_nobodys() -> None:
    assert react(sale("1004", (None, 8200))) == []


def test_a_refund_is_of_those_whose_lines_it_names() -> None:
    back = refund(SHARED, (2, 100, 400), (3, 900, 0))
    assert react(back) == [CountRefund(at=back.at, customer_id=LI, sale_id=SHARED.sale_id, lines={2: 400})]


def test_a_membership_lets_receipts_earn_from_the_joining_one() -> None:
    for moved in (False, True):
        news = joining(SHARED, MEI, moved=moved)
        assert react(news) == [StartEarning(at=SHARED.at, customer_id=MEI, joined_order=SHARED.order)]


def test_a_tier_is_known_from_its_own_time() -> None:
    news = TierChanged(at=SHARED.at, customer_id=MEI, tier="gold", was="ordinary", spend_minor=1, policy_version=1)
    assert react(news) == [NoteTier(at=SHARED.at, customer_id=MEI, tier="gold")]


def test_the_month_of_a_birthday_is_known_from_when_it_was_told() -> None:
    news = BirthdayMonthTold(at=SHARED.at, customer_id=MEI, month=3)
    assert react(news) == [NoteBirthdayMonth(at=SHARED.at, customer_id=MEI, month=3)]
