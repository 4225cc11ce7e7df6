"""Effects: each public event has had its effect at every service that reacts to it, once. Amounts are minor units."""

import json
from collections import defaultdict
from collections.abc import Set
from uuid import UUID

from contracts.membership import MembershipMovedEarlier, MembershipStarted
from contracts.pos import SaleRecorded, SaleRefunded
from services.loyalty_points.domain import EarningStarted, ReceiptNoted
from services.membership.domain import SpendCounted
from services.notification.domain import MessagePlanned
from tests.faults.checkers.evidence import Evidence, Findings

_LEFT = "SELECT customer_id, sale_id, lines::text AS lines FROM "
_REFUSED = "SELECT cause, code FROM refused"
_SPEND, _RECEIPT = _LEFT + "spend", _LEFT + "receipt"

Left = dict[tuple[UUID, UUID], dict[int, int]]


async def check(evidence: Evidence) -> Findings:
    """Compare what was said with what was made of it."""
    findings = Findings()
    sales = await evidence.said("pos", SaleRecorded)
    sold = [(customer, sale.sale_id) for sale in sales for customer in sale.lines_by_customer()]
    counted = [(event.customer_id, event.sale_id) for event in await evidence.events("membership", SpendCounted)]
    noted = [(event.customer_id, event.sale_id) for event in await evidence.events("loyalty-points", ReceiptNoted)]
    findings.compare("a sale at membership", sold, counted)
    findings.compare("a sale at loyalty-points", sold, noted)
    unsaid = {sale.sale_id for sale in await evidence.events("pos", SaleRecorded)} - {sale.sale_id for sale in sales}
    wanted = await _left(evidence, sales, unsaid)
    for service, query in (("membership", _SPEND), ("loyalty-points", _RECEIPT)):
        rows = await evidence.rows(service, query)
        kept = [(row["customer_id"], row["sale_id"]) for row in rows]
        findings.compare(f"what {service} keeps of a sale", wanted.keys(), kept)
        for row in rows:
            lines = {int(line): left for line, left in json.loads(row["lines"]).items()}
            key = (row["customer_id"], row["sale_id"])
            if key in wanted and lines != wanted[key]:
                findings.lines.append(f"{service}: of {key} is left {lines}, not {wanted[key]}")
                findings.lost += 1
        for row in await evidence.rows(service, _REFUSED):
            if row["code"] == "sale-unknown" and row["cause"].startswith(tuple(f"sale-{sale}/" for sale in unsaid)):
                continue
            findings.lines.append(f"{service}: a command of {row['cause']} was refused: {row['code']}")
    await _joined(evidence, findings)
    return findings


async def _left(evidence: Evidence, sales: list[SaleRecorded], unsaid: Set[UUID]) -> Left:
    """Return what refunds have left of each customer's lines: of a line that was refunded twice the smaller.

    Sales that are stored and `unsaid` are for the feed's checker, and so are their refunds.
    """
    left: Left = {(c, sale.sale_id): dict(lines) for sale in sales for c, lines in sale.lines_by_customer().items()}
    for refund in await evidence.said("pos", SaleRefunded):
        if refund.sale_id in unsaid:
            continue
        for customer, lines in refund.lines_left_by_customer().items():
            own = left[customer, refund.sale_id]
            own.update({line: min(amount, own[line]) for line, amount in lines.items()})
    return left


async def _joined(evidence: Evidence, findings: Findings) -> None:
    joined = await evidence.said("membership", MembershipStarted)
    earlier = await evidence.said("membership", MembershipMovedEarlier)
    orders: dict[UUID, list[str]] = defaultdict(list)
    for customer, order in [(e.customer_id, e.joined_order) for e in joined] + [
        (e.customer_id, e.joined_order) for e in earlier
    ]:
        orders[customer].append(order)
    begun: dict[UUID, list[str]] = defaultdict(list)
    for started in await evidence.events("loyalty-points", EarningStarted):
        begun[started.customer_id].append(started.joined_order)
    first = {customer: min(told) for customer, told in orders.items()}
    earning = {customer: min(told) for customer, told in begun.items()}
    findings.compare("a joining at loyalty-points", first.items(), earning.items())
    planned = [event.customer_id for event in await evidence.events("notification", MessagePlanned)]
    findings.compare("a welcome", [event.customer_id for event in joined], planned)
