"""What others' news makes the points ledger do: count own lines, earn from joining on, know her. Pure."""

from collections.abc import Sequence
from typing import TypeAlias

from contracts.membership import (
    BirthdayMonthTold,
    CustomersMerged,
    CustomersSplit,
    MembershipMovedEarlier,
    MembershipStarted,
    TierChanged,
)
from contracts.pos import PointsSpentAtTill, SaleRecorded, SaleRefunded
from services.loyalty_points.domain import (
    AccountCommand,
    CountReceipt,
    CountRefund,
    CountSpending,
    GiveBackAccount,
    GiveUpAccount,
    NoteBirthdayMonth,
    NoteTier,
    RestoreAccount,
    SettleReceipts,
    StartEarning,
    TakeInAccount,
)
from services.loyalty_points.worth import Item

FROM_POS = (SaleRecorded, SaleRefunded, PointsSpentAtTill)
FROM_MEMBERSHIP = (
    MembershipStarted,
    MembershipMovedEarlier,
    TierChanged,
    BirthdayMonthTold,
    CustomersMerged,
    CustomersSplit,
)
FromPos: TypeAlias = SaleRecorded | SaleRefunded | PointsSpentAtTill
FromMembership: TypeAlias = (
    MembershipStarted | MembershipMovedEarlier | TierChanged | BirthdayMonthTold | CustomersMerged | CustomersSplit
)
Heard: TypeAlias = FromPos | FromMembership


def react(event: Heard) -> Sequence[AccountCommand]:
    """Return a command for each customer that has lines of her own, or for the one whom the news is about."""
    match event:
        case SaleRecorded():
            items = {one.line: Item(one.kind.value, one.code) for one in event.lines}
            return [
                CountReceipt(
                    at=event.at,
                    customer_id=customer_id,
                    sale_id=event.sale_id,
                    branch=event.branch,
                    zone=event.zone,
                    on=event.on,
                    order=event.order,
                    lines=lines,
                    till=event.till,
                    number=event.number,
                    items={line: items[line] for line in lines},
                )
                for customer_id, lines in event.lines_by_customer().items()
            ]
        case SaleRefunded():
            return [
                CountRefund(at=event.at, customer_id=customer_id, sale_id=event.sale_id, lines=lines)
                for customer_id, lines in event.lines_left_by_customer().items()
            ]
        case PointsSpentAtTill():
            return [_spending(event)]
        case MembershipStarted() | MembershipMovedEarlier():
            return [StartEarning(at=event.at, customer_id=event.customer_id, joined_order=event.joined_order)]
        case TierChanged():
            return [NoteTier(at=event.at, customer_id=event.customer_id, tier=event.tier)]
        case BirthdayMonthTold():
            return [NoteBirthdayMonth(at=event.at, customer_id=event.customer_id, month=event.month)]
        case CustomersMerged() | CustomersSplit():
            return _passing_on(event)


def _passing_on(event: CustomersMerged | CustomersSplit) -> list[AccountCommand]:
    """Return a command for each of the two accounts; then what was sold since the merge is settled."""
    at, who, merge_id = event.at, event.customer_id, event.merge_id
    match event:
        case CustomersMerged(into=into):
            return [
                # who is taken in was not given up herself: if she was, that is over, though it may have to be heard yet
                GiveBackAccount(at=at, customer_id=into, restored=into),
                RestoreAccount(at=at, customer_id=into),
                GiveUpAccount(at=at, customer_id=who, into=into, merge_id=merge_id),
                TakeInAccount(at=at, customer_id=into, given_up=who, into=into, merge_id=merge_id),
                SettleReceipts(at=at, customer_id=into, since=at),
            ]
        case CustomersSplit(merged_into=into, merged_at=since):
            return [
                GiveBackAccount(at=at, customer_id=into, restored=who, merge_id=merge_id),
                RestoreAccount(at=at, customer_id=who, merge_id=merge_id),
                SettleReceipts(at=at, customer_id=into, since=since),
                SettleReceipts(at=at, customer_id=who, since=since),
            ]


def _spending(event: PointsSpentAtTill) -> CountSpending:
    return CountSpending(
        at=event.at,
        customer_id=event.customer_id,
        spending_id=event.spending_id,
        branch=event.branch,
        till=event.till,
        number=event.number,
        on=event.on,
        points=event.points,
    )
