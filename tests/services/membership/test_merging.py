"""Two customers are one, and two again: what is said of it, what is refused, and whose joining a receipt is."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.membership import CustomerRegistered, CustomersMerged, CustomersSplit, MembershipStarted
from services.membership import domain
from services.membership.customer import Customer, Other
from services.membership.domain import CountSale, SpendCounted
from services.membership.merging import (
    CustomerLetGo,
    CustomerRestored,
    CustomerTakenIn,
    LetGoCustomer,
    MergeCustomer,
    MergeExplained,
    SplitCustomer,
    TakeInCustomer,
    merge_of,
)
from services.membership.standing import Standing
from tests.scenario import Scenario
from tests.services.stories import FIRST_DAY, customer

MEI, LI, WU = customer(1), customer(2), customer(3)
NOW = FIRST_DAY + timedelta(days=2)
MERGE = merge_of(MEI, 1)

CUSTOMERS = Scenario(domain)
REGISTERED = CustomerRegistered(at=FIRST_DAY, customer_id=MEI)
WHY = MergeExplained(at=NOW, customer_id=MEI, merge_id=MERGE, reason="same-phone")
MERGED = CustomersMerged(at=NOW, customer_id=MEI, into=LI, merge_id=MERGE)
GIVEN_UP = CUSTOMERS.given(REGISTERED, WHY, MERGED)
OTHER = Other(MEI, LI, MERGE, NOW, FIRST_DAY, "b")
TAKEN_IN = CustomerTakenIn(at=NOW, customer_id=LI, others=(OTHER,))
SURVIVOR = CUSTOMERS.given(REGISTERED.model_copy(update={"customer_id": LI}), TAKEN_IN)
MERGING = MergeCustomer(at=NOW, customer_id=MEI, into=LI, reason="same-phone")
GIVEN = Customer(FIRST_DAY, FIRST_DAY, "b", moved_to=LI, merge_id=MERGE, merged_at=NOW)


def sale(under: UUID | None, order: str, days: int, net_minor: int = 50_000) -> CountSale:
    at = FIRST_DAY + timedelta(days=days)
    its: dict[str, Any] = {
        "sale_id": uuid5(MEI, order),
        "branch": "TOR1",
        "lines": {1: net_minor},
        "standing": Standing(now=at),
    }
    return CountSale(at=at, customer_id=LI, under=under, order=order, **its)


def counted(of: CountSale, under: UUID) -> SpendCounted:
    return SpendCounted(at=of.at, customer_id=under, sale_id=of.sale_id, lines=of.lines, left_minor=of.lines[1])


def joined(of: CountSale, who: UUID) -> MembershipStarted:
    its: dict[str, Any] = {"sale_id": of.sale_id, "branch": "TOR1", "joined_order": of.order, "policy_version": 0}
    return MembershipStarted(at=of.at, customer_id=who, **its)


def test_a_customer_is_given_up_for_another_and_says_why() -> None:
    CUSTOMERS.given(REGISTERED).when(MERGING).then(WHY, MERGED)


def test_the_same_merge_told_again_says_nothing() -> None:
    GIVEN_UP.when(MERGING).then()
    SURVIVOR.when(TakeInCustomer(at=NOW, customer_id=LI, given_up=MEI, given=GIVEN)).then()


def test_the_other_takes_her_in_with_her_own_joining_and_all_who_were_given_up_for_her() -> None:
    before = Other(WU, MEI, uuid5(WU, "merge"), FIRST_DAY)
    given = Customer(FIRST_DAY, FIRST_DAY, "b", moved_to=LI, merge_id=MERGE, merged_at=NOW, others=(before,))
    taking = TakeInCustomer(at=NOW, customer_id=LI, given_up=MEI, given=given)
    CUSTOMERS.when(taking).then(CustomerTakenIn(at=NOW, customer_id=LI, others=(OTHER, before)))


def test_a_merge_is_later_than_those_that_made_her_whatever_the_clock_says() -> None:
    before = MERGING.model_copy(update={"at": NOW - timedelta(seconds=1), "customer_id": LI, "into": WU})
    merged = domain.decide(before, domain.evolve(Customer(), TAKEN_IN))[-1]
    assert isinstance(merged, CustomersMerged)
    assert merged.at > NOW


def test_nobody_is_merged_with_herself_or_twice_or_when_she_is_no_more() -> None:
    CUSTOMERS.given(REGISTERED).when(MERGING.model_copy(update={"into": MEI})).rejected("merge-with-itself")
    GIVEN_UP.when(MERGING.model_copy(update={"into": WU})).rejected("already-merged")
    CUSTOMERS.given(REGISTERED).when(MERGING.model_copy(update={"erased": (LI,)})).rejected("customer-erased")


def test_who_was_given_up_herself_takes_nobody_in_so_that_there_is_no_ring() -> None:
    GIVEN_UP.when(TakeInCustomer(at=NOW, customer_id=MEI, given_up=LI, given=GIVEN)).rejected("already-merged")


def test_a_split_gives_her_back_with_what_was_learned_of_her_joining_meanwhile() -> None:
    survivor = Customer(others=(Other(MEI, LI, MERGE, NOW, FIRST_DAY, "a"),))
    splitting = SplitCustomer(at=NOW, customer_id=MEI, merge_id=MERGE, reason="two-people", survivor=survivor)
    GIVEN_UP.when(splitting).then(
        CustomersSplit(at=NOW, customer_id=MEI, merged_into=LI, merge_id=MERGE, merged_at=NOW),
        CustomerRestored(at=NOW, customer_id=MEI, joined_at=FIRST_DAY, joined_order="a", reason="two-people"),
    )
    SURVIVOR.when(LetGoCustomer(at=NOW, customer_id=LI, merge_id=MERGE)).then(
        CustomerLetGo(at=NOW, customer_id=LI, others=(MEI,))
    )


def test_a_merge_that_was_merged_on_is_not_split_before_the_later_one_and_none_is_not_split() -> None:
    its: dict[str, Any] = {"merge_id": MERGE, "survivor": Customer(moved_to=WU)}
    splitting = SplitCustomer(at=NOW, customer_id=MEI, reason="two-people", **its)
    GIVEN_UP.when(splitting).rejected("merged-on")
    GIVEN_UP.when(splitting.model_copy(update={"merge_id": merge_of(MEI, 2)})).rejected("not-merged")
    CUSTOMERS.given(REGISTERED).when(splitting.model_copy(update={"survivor": None})).rejected("not-merged")


def test_after_a_split_the_next_merge_is_another_one() -> None:
    split = CustomersSplit(at=NOW, customer_id=MEI, merged_into=LI, merge_id=MERGE, merged_at=NOW)
    events = domain.decide(MERGING, domain.evolve(domain.evolve(domain.evolve(Customer(), MERGED), split), REGISTERED))
    assert isinstance(events[-1], CustomersMerged)
    assert events[-1].merge_id != MERGE


def test_a_receipt_of_before_the_merge_joins_her_whose_it_was_then() -> None:
    late = sale(MEI, "a0", days=0)
    taken_in = TAKEN_IN.model_copy(update={"others": (Other(MEI, LI, MERGE, NOW),)})
    told = domain.decide(late, domain.evolve(Customer(), taken_in))
    assert told[:2] == [counted(late, MEI), joined(late, MEI)]


def test_a_receipt_of_after_the_merge_joins_the_one_she_was_given_up_for() -> None:
    later = sale(MEI, "c", days=3)
    told = domain.decide(later, domain.evolve(Customer(), TAKEN_IN))
    assert told[:2] == [counted(later, MEI), joined(later, LI)]


def test_who_has_taken_a_member_in_is_a_member() -> None:
    survivor = domain.evolve(Customer(), TAKEN_IN)
    assert (survivor.is_member, survivor.member_since, survivor.joined_order) == (True, FIRST_DAY, None)
    assert not domain.evolve(survivor, CustomerLetGo(at=NOW, customer_id=LI, others=(MEI,))).is_member
