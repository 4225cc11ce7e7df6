"""What the tills' news makes membership do: count each customer's own lines. Pure; amounts are minor units."""

from collections import defaultdict
from typing import TypeAlias
from uuid import UUID

from contracts.pos import SaleRecorded, SaleRefunded
from services.membership.domain import CountRefund, CountSale

HEARD = (SaleRecorded, SaleRefunded)
PosEvent: TypeAlias = SaleRecorded | SaleRefunded


def react(event: PosEvent) -> list[CountSale | CountRefund]:
    """Return a command for each customer that has lines of her own; nobody's lines count for nobody."""
    own: dict[UUID, dict[int, int]] = defaultdict(dict)
    match event:
        case SaleRecorded():
            for sold in event.lines:
                if sold.customer_id:
                    own[sold.customer_id][sold.line] = sold.net_minor
            return [
                CountSale(
                    at=event.at,
                    customer_id=customer_id,
                    sale_id=event.sale_id,
                    branch=event.branch,
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
