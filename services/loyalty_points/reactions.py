"""What others' news makes the points ledger do: count own lines, earn from joining on, know the tier. Pure."""

from typing import TypeAlias

from contracts.membership import MembershipMovedEarlier, MembershipStarted, TierChanged
from contracts.pos import PointsSpentAtTill, SaleRecorded, SaleRefunded
from services.loyalty_points.domain import CountReceipt, CountRefund, CountSpending, NoteTier, StartEarning
from services.loyalty_points.worth import Item

FROM_POS = (SaleRecorded, SaleRefunded, PointsSpentAtTill)
FROM_MEMBERSHIP = (MembershipStarted, MembershipMovedEarlier, TierChanged)
FromPos: TypeAlias = SaleRecorded | SaleRefunded | PointsSpentAtTill
Heard: TypeAlias = FromPos | MembershipStarted | MembershipMovedEarlier | TierChanged


def react(event: Heard) -> list[CountReceipt | CountRefund | CountSpending | StartEarning | NoteTier]:
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
