"""What others' news makes the points ledger do: count each customer's own lines, and earn from joining on. Pure."""

from collections import defaultdict
from typing import TypeAlias
from uuid import UUID

from contracts.membership import MembershipMovedEarlier, MembershipStarted
from contracts.pos import SaleRecorded, SaleRefunded
from services.loyalty_points.domain import CountReceipt, CountRefund, StartEarning

FROM_POS = (SaleRecorded, SaleRefunded)
FROM_MEMBERSHIP = (MembershipStarted, MembershipMovedEarlier)
Heard: TypeAlias = SaleRecorded | SaleRefunded | MembershipStarted | MembershipMovedEarlier


def react(event: Heard) -> list[CountReceipt | CountRefund | StartEarning]:
    """Return a command for each customer that has lines of her own, or for the one who joined."""
    own: dict[UUID, dict[int, int]] = defaultdict(dict)
    match event:
        case SaleRecorded():
            for sold in event.lines:
                if sold.customer_id:
                    own[sold.customer_id][sold.line] = sold.net_minor
            return [
                CountReceipt(
                    at=event.at,
                    customer_id=customer_id,
                    sale_id=event.sale_id,
                    branch=event.branch,
                    on=event.on,
                    order=event.order,
                    lines=lines,
                )
                for customer_id, lines in own.items()
            ]
        case SaleRefunded():
            for refunded in event.lines:
                if refunded.customer_id:
                    own[refunded.customer_id][refunded.line] = refunded.left_minor
            return [
                CountRefund(at=event.at, customer_id=customer_id, sale_id=event.sale_id, lines=lines)
                for customer_id, lines in own.items()
            ]
        case MembershipStarted() | MembershipMovedEarlier():
            return [StartEarning(at=event.at, customer_id=event.customer_id, joined_order=event.joined_order)]
