"""What can happen to one account, in any order, with repeats: told to the ledger as commands, and to the oracle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from contracts.pos import receipt_order
from services.loyalty_points.domain import (
    AccountCommand,
    CapturePoints,
    CountReceipt,
    CountRefund,
    ExpirePoints,
    ForgiveDebt,
    HoldPoints,
    RedeemPoints,
    ReleaseHold,
    StartEarning,
)
from services.loyalty_points.domain.lots import lot_id
from services.loyalty_points.lifetime import AfterDays, AtYearEnd, Never
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.oracle import Oracle

ZONE = "America/Toronto"
BEGIN = datetime(2026, 12, 20, 12, tzinfo=UTC)
SALES, HOLDS = 3, 2
LASTS = (timedelta(hours=2), timedelta(days=3))


@dataclass(frozen=True)
class Act:
    """One of: sell, refund, join, hold, capture, release, redeem, forgive, wait, expire; `number` names its object."""

    kind: str
    number: int = 0
    points: int = 0


@dataclass(frozen=True)
class Tale:
    """Sales by hours after the beginning and minor units, the expiry as the oracle knows it, and what happens."""

    sales: tuple[tuple[int, int], ...]
    days: int | None
    pending_days: int
    acts: tuple[Act, ...]

    @property
    def terms(self) -> Terms:
        expiry = AtYearEnd() if self.days is None else AfterDays(days=self.days) if self.days else Never()
        return Terms(pending_days=self.pending_days, expiry=expiry)

    def oracle(self) -> Oracle:
        return Oracle(BEGIN, ZoneInfo(ZONE), self.days, self.pending_days)

    def sold_at(self, sale: int) -> datetime:
        return BEGIN + timedelta(hours=self.sales[sale][0])


Wished: TypeAlias = tuple[AccountCommand | None, str | None]


def tell(act: Act, tale: Tale, oracle: Oracle, who: UUID) -> Wished:
    """Do the act at the oracle; return the command that tells the ledger the same, and the code it must refuse with."""
    match act.kind:
        case "wait":
            oracle.wait(oracle.now + timedelta(hours=act.points))
            return None, None
        case "expire":
            return ExpirePoints(at=oracle.now, customer_id=who), None
        case "forgive":
            name = uuid5(who, f"forgiven after {oracle.forgiven}")
            forgiven: dict[str, Any] = {"forgiveness_id": name, "points": act.points, "reason": "kindness"}
            return ForgiveDebt(at=oracle.now, customer_id=who, **forgiven), oracle.forgive(act.points)
        case "sell" | "refund" | "join":
            return _receipt(act, tale, oracle, who), None
        case _:
            return _spending(act, oracle, who)


def _receipt(act: Act, tale: Tale, oracle: Oracle, who: UUID) -> AccountCommand | None:
    """Nothing is told before it happens; a refund is never told before its sale."""
    number = act.number % SALES
    sold_at, net = tale.sold_at(number), tale.sales[number][1]
    sale_id, order = uuid5(who, f"sale {number}"), receipt_order(sold_at, "T", str(number))
    if sold_at > oracle.now or (act.kind == "refund" and number not in oracle.receipts):
        return None
    match act.kind:
        case "sell":
            oracle.sell(number, lot_id(who, f"sale/{sale_id}"), sold_at, net)
            return CountReceipt(
                at=sold_at,
                customer_id=who,
                sale_id=sale_id,
                branch="TOR1",
                zone=ZONE,
                on=sold_at.astimezone(ZoneInfo(ZONE)).date(),
                order=order,
                lines={1: net},
            )
        case "join":
            oracle.join(sold_at, number)
            return StartEarning(at=sold_at, customer_id=who, joined_order=order)
    left = net * (act.points % 4) // 4
    oracle.refund(number, left)
    return CountRefund(at=oracle.now, customer_id=who, sale_id=sale_id, lines={1: left})


def _spending(act: Act, oracle: Oracle, who: UUID) -> Wished:
    number, at = act.number % HOLDS, oracle.now
    hold_id, redemption_id = uuid5(who, f"hold {number}"), uuid5(who, f"redemption {number}")
    match act.kind:
        case "hold":
            lasts = LASTS[number % 2]
            held = HoldPoints(at=at, customer_id=who, hold_id=hold_id, points=act.points, until=at + lasts)
            return held, oracle.hold(number, act.points, lasts)
        case "capture":
            captured = CapturePoints(at=at, customer_id=who, hold_id=hold_id, points=act.points)
            return captured, oracle.capture(number, act.points)
        case "release":
            return ReleaseHold(at=at, customer_id=who, hold_id=hold_id), oracle.release(number)
    redeemed = RedeemPoints(at=at, customer_id=who, redemption_id=redemption_id, points=act.points)
    return redeemed, oracle.redeem(number, act.points)


def _acts(kinds: list[str], most: int, points: list[int]) -> st.SearchStrategy[Act]:
    return st.builds(Act, st.sampled_from(kinds), st.integers(0, most - 1), st.sampled_from(points))


SPENT = [1, 3, 7, 7, 10, 25]
ACTS = st.one_of(
    _acts(["sell", "sell", "refund", "refund", "join"], SALES, [0, 1, 2, 3]),
    _acts(["hold", "redeem", "capture", "release", "release"], HOLDS, SPENT),
    _acts(["wait"], 1, [1, 2, 10, 30, 72, 200]),
    _acts(["hold", "redeem", "capture", "expire", "forgive"], HOLDS, [-1, 0, 2, 5]),
)
JOINED = (Act("join", 0), Act("sell", 0))


@st.composite
def _openings(draw: st.DrawFn) -> tuple[Act, ...]:
    """Return nothing, a member with points, or one who owes some: spent or held before the refund."""
    drawn = Act(draw(st.sampled_from(["hold", "redeem"])), 0, draw(st.sampled_from(SPENT)))
    owing = (*JOINED, drawn, Act("refund", 0))
    known = ((), (*JOINED, Act("sell", 1)), (*JOINED, drawn), owing, (*owing, Act("wait", 0, 200), Act("sell", 1)))
    return draw(st.sampled_from(known))


@st.composite
def tales(draw: st.DrawFn) -> Tale:
    """Return tales that begin shortly before a year's end."""
    hours, net = st.sampled_from([0, 0, 1, 20, 100, 270]), st.sampled_from([0, 99, 700, 1000, 2550])
    first = draw(st.sampled_from([700, 1000, 2550]))
    others = draw(st.lists(st.tuples(hours, net), min_size=SALES - 1, max_size=SALES - 1))
    acts = (*draw(_openings()), *draw(st.lists(ACTS, min_size=1, max_size=20)))
    days = draw(st.sampled_from([None, 0, 3, 3, 9]))
    return Tale(((0, first), *others), days, draw(st.sampled_from([0, 0, 2])), acts)


def batches(tale: Tale, sizes: Sequence[int]) -> list[list[Act]]:
    """Return the acts in batches in which no time passes."""
    parts: list[list[Act]] = [[]]
    left = list(sizes)
    for act in tale.acts:
        if act.kind == "wait":
            parts += [[act], []]
        else:
            if left and len(parts[-1]) >= left[0]:
                left.pop(0)
                parts.append([])
            parts[-1].append(act)
    return [part for part in parts if part]
