"""Ledgers: each account's points are what its receipts earn by the plain rate, for tills of faults know no other; its
entries add up."""

import json
from collections import Counter, defaultdict
from fractions import Fraction
from typing import TypeAlias
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import EarningStarted, ReceiptNoted
from services.loyalty_points.terms import Terms
from shared.policy import PolicyPublished
from tests.faults.checkers.evidence import Evidence, Findings

_LEFT = "SELECT customer_id, sale_id, lines::text AS lines FROM receipt"
_ACCOUNTS = """
SELECT s.id, s.state::text AS state, coalesce(l.rest, 0)::bigint AS rest
FROM stream s LEFT JOIN (
  SELECT owner, sum(rest) AS rest FROM lot GROUP BY owner
) AS l ON l.owner = s.id
WHERE s.id IN (SELECT customer_id FROM receipt)
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
        state, entered = json.loads(row["state"]), sums[row["id"]]
        left = sum(total[-1] for total in (*state["active"], *state["pending"]))
        held, debt, gone = sum(hold["points"] for hold in state["holds"]), state["debt"], state["redeemed"]
        gone += state["expired"] - state["forgiven"]
        if left + held - debt != entered - gone or (debt and row["rest"]) or left != row["rest"]:
            told = f"its lots have {row['rest']}, its entries are {entered}"
            findings.lines.append(f"account {row['id']} has {left} and owes {debt}, {told}")
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
    published = await evidence.events("loyalty-points", PolicyPublished)
    policies = {0: Terms()} | {one.number: Terms.model_validate(one.terms) for one in published}
    worth: dict[Receipt, int] = {}
    for noted in await evidence.events("loyalty-points", ReceiptNoted):
        orders = joined.get(noted.customer_id)
        if orders and noted.order >= min(orders):
            key = (noted.customer_id, noted.sale_id)
            terms = policies[noted.policy_version]
            rate = Fraction(terms.points_per_unit) / terms.minor_per_unit
            if points := int(max(0, left[key]) * rate):
                worth[key] = points
    return worth
