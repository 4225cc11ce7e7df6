"""Ledgers: each account's points are what its receipts earn, worked out here in plain Python; its entries add up."""

import json
from collections import Counter, defaultdict
from fractions import Fraction
from typing import TypeAlias
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import EarningStarted, ReceiptNoted
from tests.faults.checkers.evidence import Evidence, Findings

_LEFT = "SELECT customer_id, sale_id, lines::text AS lines FROM receipt"
_ACCOUNTS = """
SELECT id, (state ->> 'balance')::bigint AS balance, (state ->> 'debt')::bigint AS debt FROM stream
WHERE id IN (SELECT customer_id FROM receipt)
"""

Receipt: TypeAlias = tuple[UUID, UUID]


async def check(evidence: Evidence) -> Findings:
    """Compare each account with its receipts, and with its own entries."""
    findings = Findings()
    entries = await _entries(evidence, findings)
    wanted = await _worked_out(evidence)
    for key in sorted(wanted.keys() | entries.keys()):
        if wanted.get(key, 0) != entries[key]:
            findings.lines.append(f"{key} has earned {entries[key]} points, not {wanted.get(key, 0)}")
    sums: Counter[UUID] = Counter()
    for (customer, _), points in entries.items():
        sums[customer] += points
    for row in await evidence.rows("loyalty-points", _ACCOUNTS):
        balance, debt, entered = row["balance"], row["debt"], sums[row["id"]]
        if balance - debt != entered or min(balance, debt) != 0:
            findings.lines.append(f"account {row['id']} has {balance} and owes {debt}, and its entries are {entered}")
    return findings


async def _entries(evidence: Evidence, findings: Findings) -> Counter[Receipt]:
    """Return what each receipt has earned in all; one that has earned twice is a finding."""
    entries: Counter[Receipt] = Counter()
    times: Counter[Receipt] = Counter()
    for earned in await evidence.events("loyalty-points", PointsEarned):
        entries[earned.customer_id, earned.sale_id] += earned.points
        times[earned.customer_id, earned.sale_id] += 1
    for taken in await evidence.events("loyalty-points", PointsTakenBack):
        entries[taken.customer_id, taken.sale_id] -= taken.points
    findings.compare("an earning", times.keys(), times.elements())
    return entries


async def _worked_out(evidence: Evidence) -> dict[Receipt, int]:
    """Return what each receipt is worth: from the joining one on, whole points of what is left of it."""
    joined: dict[UUID, list[str]] = defaultdict(list)
    for started in await evidence.events("loyalty-points", EarningStarted):
        joined[started.customer_id].append(started.joined_order)
    rows = await evidence.rows("loyalty-points", _LEFT)
    left = {(row["customer_id"], row["sale_id"]): sum(json.loads(row["lines"]).values()) for row in rows}
    worth: dict[Receipt, int] = {}
    for noted in await evidence.events("loyalty-points", ReceiptNoted):
        orders = joined.get(noted.customer_id)
        if orders and noted.order >= min(orders):
            key = (noted.customer_id, noted.sale_id)
            rate = Fraction(noted.terms.points_per_unit) / noted.terms.minor_per_unit
            if points := int(max(0, left[key]) * rate):
                worth[key] = points
    return worth
