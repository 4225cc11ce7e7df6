"""Joining and tiers, sentence by sentence."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.membership import CustomerRegistered, MembershipMovedEarlier, MembershipStarted, TierChanged
from contracts.money import LARGEST
from services.membership import domain
from services.membership.domain import (
    CountRefund,
    CountSale,
    RegisterCustomer,
    ReviewPlanned,
    ReviewTier,
    SpendCounted,
    SpendReduced,
)
from services.membership.standing import Standing
from services.membership.terms import Terms
from tests.scenario import Scenario
from tests.services.stories import FIRST_DAY

MEI = UUID("00000000-0000-5000-8000-0000000000aa")
CUT = UUID("00000000-0000-5000-8000-0000000000b1")
NOW = FIRST_DAY + timedelta(days=2)
A_YEAR = timedelta(days=365)
OUT_OF_THE_WINDOW = NOW - A_YEAR

CUSTOMERS = Scenario(domain)
REGISTERED = CustomerRegistered(at=FIRST_DAY, customer_id=MEI)


def standing(**known: Any) -> Standing:
    return Standing(now=NOW, policy_version=4, joining_version=3, **known)


def bought(*net_minor: int, order: str = "b", at: datetime = FIRST_DAY, **known: Any) -> CountSale:
    lines = dict(enumerate(net_minor, start=1))
    return CountSale(
        at=at, customer_id=MEI, sale_id=CUT, branch="TOR1", order=order, lines=lines, standing=standing(**known)
    )


def counted(sale: CountSale) -> SpendCounted:
    return SpendCounted(at=sale.at, customer_id=MEI, sale_id=CUT, lines=sale.lines, left_minor=sum(sale.lines.values()))


def given_back(left_minor: int, **known: Any) -> CountRefund:
    return CountRefund(at=NOW, customer_id=MEI, sale_id=CUT, lines={1: left_minor}, standing=standing(**known))


def reduced(left_minor: int) -> SpendReduced:
    return SpendReduced(at=NOW, customer_id=MEI, sale_id=CUT, lines={1: left_minor}, left_minor=left_minor)


def joined(order: str = "b", at: datetime = FIRST_DAY) -> MembershipStarted:
    return MembershipStarted(at=at, customer_id=MEI, sale_id=CUT, branch="TOR1", joined_order=order, policy_version=3)


def ranked(tier: str, was: str, spend_minor: int) -> TierChanged:
    return TierChanged(at=NOW, customer_id=MEI, tier=tier, was=was, spend_minor=spend_minor, policy_version=4)


def planned(review_at: datetime) -> ReviewPlanned:
    return ReviewPlanned(at=NOW, customer_id=MEI, review_at=review_at)


def test_a_person_is_registered_once() -> None:
    CUSTOMERS.when(RegisterCustomer(at=FIRST_DAY, customer_id=MEI)).then(REGISTERED)
    CUSTOMERS.given(REGISTERED).when(RegisterCustomer(at=NOW, customer_id=MEI)).then()


def test_less_than_the_minimum_is_counted_and_joins_nobody() -> None:
    CUSTOMERS.given(REGISTERED).when(bought(49_999)).then(counted(bought(49_999)))


def test_one_purchase_of_the_minimum_joins() -> None:
    sale = bought(40_000, 10_500, -500)
    CUSTOMERS.when(sale).then(counted(sale), joined(), ranked("ordinary", "", 50_000))


def test_the_minimum_is_that_of_the_policy_at_the_receipts_time() -> None:
    sale = bought(10_000, joining=Terms(join_minimum_minor=10_000))
    CUSTOMERS.when(sale).then(counted(sale), joined(), ranked("ordinary", "", 10_000))


def test_what_earlier_receipts_add_up_to_joins_nobody() -> None:
    CUSTOMERS.when(bought(30_000, spend_minor=90_000)).then(counted(bought(30_000)))


def test_a_member_does_not_join_again() -> None:
    member = CUSTOMERS.given(joined("b"), ranked("ordinary", "", 50_000))
    member.when(bought(60_000, order="c", spend_minor=50_000)).then(counted(bought(60_000)))


def test_an_earlier_receipt_heard_late_moves_the_membership() -> None:
    sale = bought(50_000, order="a", spend_minor=50_000)
    moved = MembershipMovedEarlier(**joined("a").model_dump())
    CUSTOMERS.given(joined("b"), ranked("ordinary", "", 50_000)).when(sale).then(counted(sale), moved)


def test_a_receipt_told_twice_is_counted_once() -> None:
    CUSTOMERS.when(bought(50_000, left={1: 50_000}, sold_at=FIRST_DAY)).then()


def test_a_member_rises_when_the_window_holds_enough() -> None:
    member = CUSTOMERS.given(joined("b"), ranked("ordinary", "", 50_000))
    sale = bought(60_000, order="c", spend_minor=140_000, gain_leaves_at=FIRST_DAY + timedelta(days=300))
    review = planned(FIRST_DAY + timedelta(days=300))
    member.when(sale).then(counted(sale), ranked("silver", "ordinary", 200_000), review)


def test_a_customer_who_is_no_member_has_no_tier() -> None:
    CUSTOMERS.when(bought(100, spend_minor=900_000)).then(counted(bought(100)))


def test_a_receipt_from_before_the_window_joins_but_raises_no_tier() -> None:
    sale = bought(1_000_000, at=OUT_OF_THE_WINDOW)
    CUSTOMERS.when(sale).then(counted(sale), joined(at=OUT_OF_THE_WINDOW), ranked("ordinary", "", 0))


def test_a_receipt_a_moment_inside_the_window_counts_until_it_leaves() -> None:
    at = OUT_OF_THE_WINDOW + timedelta(microseconds=1)
    sale = bought(1_000_000, at=at)
    CUSTOMERS.when(sale).then(counted(sale), joined(at=at), ranked("diamond", "", 1_000_000), planned(at + A_YEAR))


def test_a_refund_lowers_the_tier_but_ends_no_membership() -> None:
    member = CUSTOMERS.given(joined(), ranked("silver", "", 200_000))
    refund = given_back(0, left={1: 200_000}, sold_at=FIRST_DAY)
    member.when(refund).then(reduced(0), ranked("ordinary", "silver", 0))


def test_a_refund_told_twice_or_after_a_later_one_changes_nothing() -> None:
    for told in (100, 500):
        CUSTOMERS.given(joined()).when(given_back(told, left={1: 100}, sold_at=FIRST_DAY)).then()


def test_a_refund_of_a_receipt_that_was_never_heard_is_refused() -> None:
    CUSTOMERS.when(given_back(0)).rejected("sale-unknown")


def test_a_review_lowers_the_tier_and_plans_the_next() -> None:
    member = CUSTOMERS.given(joined(), ranked("gold", "", 500_000), planned(NOW))
    later = NOW + timedelta(days=40)
    review = ReviewTier(at=NOW, customer_id=MEI, standing=standing(spend_minor=200_000, gain_leaves_at=later))
    member.when(review).then(ranked("silver", "gold", 200_000), planned(later))
    member.given(ranked("silver", "gold", 200_000), planned(later)).when(review).then()


def test_nothing_is_planned_where_what_leaves_can_change_nothing() -> None:
    member = CUSTOMERS.given(joined(), ranked("ordinary", "", 50_000))
    review = ReviewTier(at=NOW, customer_id=MEI, standing=standing(spend_minor=100, gain_leaves_at=NOW + A_YEAR))
    member.when(review).then()


def test_what_counts_against_her_is_looked_at_again_when_it_leaves() -> None:
    member = CUSTOMERS.given(joined(), ranked("ordinary", "", 50_000))
    leaves_at = FIRST_DAY + A_YEAR
    member.when(bought(-100, order="c", spend_minor=200_000)).then(counted(bought(-100)), planned(leaves_at))


def test_spend_beyond_what_contracts_carry_is_told_as_the_largest() -> None:
    sale = bought(LARGEST, spend_minor=LARGEST)
    CUSTOMERS.when(sale).then(counted(sale), joined(), ranked("diamond", "", LARGEST), planned(FIRST_DAY + A_YEAR))


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [{"name": "a", "from_minor": 5}, {"name": "b", "from_minor": 5}],
        [{"name": "a", "from_minor": 0}, {"name": "a", "from_minor": 5}],
        [{"name": "a", "from_minor": -1}],
        [{"name": "", "from_minor": 0}],
    ],
)
def test_tiers_ascend_and_have_names_of_their_own(tiers: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        Terms.model_validate({"tiers": tiers})
