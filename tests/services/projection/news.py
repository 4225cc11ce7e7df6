"""What four services say of a small chain, told as envelopes in any order that keeps each key's own."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from contracts.loyalty_points import (
    HoldReleased,
    LotPoints,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    PointsTakenBack,
    Release,
)
from contracts.membership import CustomerRegistered, TierChanged
from contracts.notification import MessageFailed, MessageOutcomeUnknown, MessageSent
from contracts.pos import (
    BranchDescribed,
    ChainDescribed,
    ItemParked,
    SaleRecorded,
    SaleRefunded,
    TillFlagged,
    TillGapClosed,
    TillGapOpened,
    TillKind,
    TillRegistered,
    VisitCheckedIn,
)
from shared.message import Cause, Envelope, Event, Position
from tests.services import stories
from tests.services.stories import joining

ZONES = {"TOR1": "America/Toronto", "SHA1": "Asia/Shanghai", "LON1": "Europe/London"}
TITLES = {"TOR1": "Toronto", "SHA1": "上海静安", "LON1": "London"}
MORNING = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
RECORDED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CAUSE = Cause("test", "test")
_NAMES = UUID("00000000-0000-5000-8000-00000000cafe")


def named(name: str) -> UUID:
    """Return the id of something by its name in a story."""
    return uuid5(_NAMES, name)


ANNE, BO, CHEN = named("Anne"), named("Bo"), named("Chen")


def sale(
    number: str, *lines: tuple[UUID | None, int], branch: str = "TOR1", at: datetime = MORNING, title: str = "Cut"
) -> SaleRecorded:
    """Return a receipt with a line for each customer and net amount."""
    return stories.sale(number, *lines, at=at, till=f"{branch}-1", branch=branch, zone=ZONES[branch], title=title)


def refund(of: SaleRecorded, line: int, amount: int, *, after: timedelta = timedelta(hours=1)) -> SaleRefunded:
    """Return a refund of a part of a line, some time after the sale."""
    left = of.lines[line - 1].net_minor - amount
    return stories.refund(of, (line, amount, left), at=of.at + after)


def visit(name: str, who: UUID | None, branch: str = "TOR1", at: datetime = MORNING) -> VisitCheckedIn:
    """Return a check-in."""
    on = at.astimezone(ZoneInfo(ZONES[branch])).date()
    return VisitCheckedIn(
        at=at, visit_id=named(name), branch=branch, till=f"{branch}-1", zone=ZONES[branch], on=on, customer_id=who
    )


def chain(at: datetime = MORNING) -> list[Event]:
    """Return what describes the chain and its branches."""
    said: list[Event] = [ChainDescribed(at=at, chain="Demo", currency="CAD")]
    for code, zone in ZONES.items():
        said.append(BranchDescribed(at=at, branch=code, title=TITLES[code], zone=zone, region=code[:3].lower()))
        said.append(TillRegistered(at=at, branch=code, till=f"{code}-1", kind=TillKind.TILL))
    return said


def earned(who: UUID, by: SaleRecorded, points: int, balance: int) -> PointsEarned:
    """Return points for a receipt, and what stands after."""
    return PointsEarned(**_entry(who, by, points, balance))


def taken_back(who: UUID, by: SaleRecorded, points: int, balance: int) -> PointsTakenBack:
    """Return points taken back after a refund, and what stands after."""
    return PointsTakenBack(**_entry(who, by, points, balance))


def of_lot(by: SaleRecorded, points: int) -> LotPoints:
    """Return points of the lot that a receipt made."""
    return LotPoints(lot_id=by.sale_id, points=points, branch=by.branch, on=by.on)


def spent(who: UUID, by: SaleRecorded, points: int, balance: int) -> PointsRedeemed:
    """Return points of a receipt that were redeemed later, and what stands after."""
    lots = (of_lot(by, points),)
    return PointsRedeemed(
        at=MORNING, customer_id=who, redemption_id=named("gift"), points=points, lots=lots, balance=balance
    )


def expired(who: UUID, by: SaleRecorded, points: int, balance: int) -> PointsExpired:
    """Return points of a receipt that were not spent in time, and what stands after."""
    lots = (of_lot(by, points),)
    return PointsExpired(at=MORNING, customer_id=who, points=points, lots=lots, expires_at=MORNING, balance=balance)


def _entry(who: UUID, by: SaleRecorded, points: int, balance: int) -> dict[str, Any]:
    receipt = {"at": by.at, "sale_id": by.sale_id, "branch": by.branch, "on": by.on}
    return {**receipt, "customer_id": who, "points": points, "balance": balance, "policy_version": 0}


FIRST = sale("1", (ANNE, 12_000), (None, 3_000))
SECOND = sale("2", (BO, 5_000), (ANNE, 700), at=MORNING + timedelta(hours=2))
LATE = sale("9", (ANNE, 20_000), at=MORNING - timedelta(days=1))
ABROAD = sale("1", (ANNE, 8_000), branch="SHA1", at=MORNING + timedelta(hours=3))  # the 21st in Shanghai
WALK_IN = sale("3", (None, 2_500), branch="LON1")

STORY: tuple[Event, ...] = (
    *chain(),
    FIRST,
    refund(FIRST, 1, 1_000),
    refund(FIRST, 1, 500, after=timedelta(days=1)),
    SECOND,
    LATE,
    ABROAD,
    WALK_IN,
    visit("a walk past", None),
    visit("Chen looks in", CHEN, branch="LON1"),
    visit("Anne looks in", ANNE, branch="SHA1", at=ABROAD.at),
    TillGapOpened(at=MORNING, branch="TOR1", till="TOR1-1", first=4, last=8),
    TillGapClosed(at=MORNING, branch="TOR1", till="TOR1-1", first=5, last=6),
    TillFlagged(at=MORNING, branch="LON1", till="LON1-1", seq=3, code="seq-reused"),
    ItemParked(at=MORNING, branch="LON1", till="LON1-1", seq=None, code="malformed"),
    CustomerRegistered(at=MORNING, customer_id=ANNE),
    CustomerRegistered(at=MORNING, customer_id=BO),
    joining(FIRST, ANNE),
    TierChanged(at=MORNING, customer_id=ANNE, tier="ordinary", was="", spend_minor=12_000, policy_version=0),
    joining(LATE, ANNE, moved=True),
    TierChanged(at=MORNING, customer_id=ANNE, tier="silver", was="ordinary", spend_minor=32_000, policy_version=0),
    earned(ANNE, FIRST, 120, 120),
    earned(ANNE, LATE, 200, 320),
    taken_back(ANNE, FIRST, 15, 305),
    earned(ANNE, ABROAD, 80, 385),
    PointsHeld(
        at=MORNING,
        customer_id=ANNE,
        hold_id=named("basket"),
        points=60,
        until=MORNING,
        lots=(of_lot(FIRST, 60),),
        balance=325,
    ),
    HoldReleased(
        at=MORNING,
        customer_id=ANNE,
        hold_id=named("basket"),
        points=60,
        why=Release.LAPSED,
        lots=(of_lot(FIRST, 60),),
        balance=385,
    ),
    spent(ANNE, FIRST, 50, 335),
    expired(ANNE, ABROAD, 30, 305),
    MessageSent(
        at=MORNING, message_id=named("welcome"), customer_id=ANNE, template="welcome", channel="sandbox", receipt="r1"
    ),
    MessageFailed(at=MORNING, message_id=named("no"), customer_id=BO, template="welcome", code="no-contact"),
    MessageOutcomeUnknown(at=MORNING, message_id=named("maybe"), customer_id=BO, template="welcome", channel="sandbox"),
)
FIRST_DAY = date(2026, 11, 20)


def key_of(event: Event) -> UUID:
    """Return the key an event is told under: its receipt, customer, till or branch."""
    for name in ("customer_id", "sale_id", "visit_id", "till", "branch"):
        value = getattr(event, name, None)
        if value is not None and not (name == "customer_id" and isinstance(event, VisitCheckedIn)):
            return value if isinstance(value, UUID) else named(str(value))
    return named("chain")


def told(events: Sequence[Event], after: int = 0) -> list[Envelope]:
    """Return the envelopes of events as their speakers tell them, each with a version and a place of its own."""
    versions: defaultdict[UUID, int] = defaultdict(int)
    envelopes = []
    for number, event in enumerate(events, after + 1):
        key = key_of(event)
        versions[key] += 1
        at = RECORDED + timedelta(milliseconds=number)
        envelopes.append(
            Envelope("story", key, after + versions[key], key, event, CAUSE, at, position=Position(1, number))
        )
    return envelopes


def shuffled(envelopes: Sequence[Envelope], chance: random.Random) -> list[list[Envelope]]:
    """Return the envelopes in batches of any size and any order in which those of a speaker's key keep theirs."""
    queues: defaultdict[tuple[str, UUID], list[Envelope]] = defaultdict(list)
    for envelope in envelopes:
        queues[type(envelope.event).__module__, envelope.key].append(envelope)
    batches: list[list[Envelope]] = [[]]
    while queues:
        chosen = chance.choice(list(queues))
        batches[-1].append(queues[chosen].pop(0))
        if not queues[chosen]:
            del queues[chosen]
        if queues and chance.random() < 0.3:
            batches.append([])
    return [batch for batch in batches if batch]
