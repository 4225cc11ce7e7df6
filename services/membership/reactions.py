"""What the tills' news makes membership do: count each customer's own lines. Pure; amounts are minor units."""

from typing import TypeAlias

from contracts.pos import SaleRecorded, SaleRefunded
from services.membership.domain import CountRefund, CountSale

HEARD = (SaleRecorded, SaleRefunded)
PosEvent: TypeAlias = SaleRecorded | SaleRefunded


def react(event: PosEvent) -> list[CountSale | CountRefund]:
    """Return a command for each customer that has lines of her own; nobody's lines count for nobody."""
    match event:
        case SaleRecorded():
            return [
                CountSale(
                    at=event.at,
                    customer_id=customer_id,
                    sale_id=event.sale_id,
                    branch=event.branch,
                    order=event.order,
                    lines=lines,
                )
                for customer_id, lines in event.lines_by_customer().items()
            ]
        case SaleRefunded():
            return [
                CountRefund(at=event.at, customer_id=customer_id, sale_id=event.sale_id, lines=lines)
                for customer_id, lines in event.lines_left_by_customer().items()
            ]
