"""A policy with everything in it, stories to which it matters, and what they must earn: worked out in fractions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from contracts.membership import BirthdayMonthTold, MembershipMovedEarlier, MembershipStarted, TierChanged
from contracts.pos import LineKind, SaleLine, SaleRecorded
from services.loyalty_points.domain import Account
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from shared.message import Event
from tests.services.stories import FIRST_DAY, Story, Told, stories

KINDS = (LineKind.SERVICE, LineKind.PRODUCT, LineKind.ADJUSTMENT)
TIERS = {"silver": Fraction(5, 4), "gold": Fraction(3, 2)}
CAP = 20
SUNDAY, BIRTHDAY = 7, 11
TERMS = Terms.model_validate(
    {
        "expiry": Never().model_dump(),
        "earning": {
            "rates": [{"kinds": ["product"], "points_per_unit": "0.5"}],
            "by_tier": {"silver": "1.25", "gold": "1.5"},
            "excluded": {"kinds": ["adjustment"]},
            "bonuses": [
                {"name": "morning", "factor": "2", "to_time": "12:00", "cap": {"points": CAP, "per": "week"}},
                {"name": "products", "factor": "3", "kinds": ["product"], "from_on": "2026-03-10"},
                {"name": "sunday", "extra": SUNDAY, "kinds": ["product"], "weekdays": ["sunday"]},
                {"name": "birthday", "extra": BIRTHDAY, "birthday_month": True},
            ],
        },
    }
)


INSTANTS = st.builds(
    lambda days, minutes: FIRST_DAY + timedelta(days=days, minutes=minutes),
    st.sampled_from([-1, 0, 1, 5, 15]),
    st.sampled_from([-1, 1]),
)


@st.composite
def rewarded_stories(draw: st.DrawFn) -> Story:
    """Return stories with lines of all kinds, tiers that change and months that are told among the receipts."""
    story = draw(stories(with_joinings=True))
    sales = {e.sale_id: _of_all_kinds(e) for e in story.sales}
    happened = [_among(sales, e) for e in story.happened]
    for who in story.customers:
        for at in draw(st.lists(INSTANTS, max_size=3)):
            tier = draw(st.sampled_from(["ordinary", "silver", "gold"]))
            happened.append(TierChanged(at=at, customer_id=who, tier=tier, was="", spend_minor=0, policy_version=0))
        told = draw(st.lists(st.tuples(INSTANTS, st.sampled_from([3, 3, 2, 12])), max_size=2))
        happened += [BirthdayMonthTold(at=at, customer_id=who, month=month) for at, month in told]
    again = draw(st.lists(st.integers(0, len(happened) - 1), max_size=6))
    return Story(tuple(happened), tuple(draw(st.permutations([*range(len(happened)), *again]))))


def _among(sales: Mapping[UUID, SaleRecorded], event: Told) -> Told:
    match event:
        case SaleRecorded():
            return sales[event.sale_id]
        case MembershipStarted() | MembershipMovedEarlier():
            return event.model_copy(update={"joined_order": sales[event.sale_id].order})
        case _:
            return event


def _of_all_kinds(sold: SaleRecorded) -> SaleRecorded:
    lines = tuple(line.model_copy(update={"kind": KINDS[line.net_minor % 3]}) for line in sold.lines)
    at = sold.at + timedelta(hours=sold.net_minor % 5)  # 10:00 to 14:00 in Toronto
    return sold.model_copy(update={"lines": lines, "at": at})


@dataclass
class Due:
    """What a customer must have earned, and what of it refunds must have left, by receipt."""

    earned: dict[UUID, int] = field(default_factory=dict)
    kept: dict[UUID, int] = field(default_factory=dict)


def due(story: Story, who: UUID) -> Due:
    """Go through the finished story, oldest receipt first."""
    owed, used, joined = Due(), Counter[date](), story.joined(who)
    hers = [e for e in story.happened if getattr(e, "customer_id", None) == who]
    tiers = [(e.at, e.tier) for e in hers if isinstance(e, TierChanged)]
    months = [(e.at, e.month) for e in hers if isinstance(e, BirthdayMonthTold)]
    for sold in story.own(who):
        if joined is None or sold.order < joined:
            continue
        tier = max(((at, name) for at, name in tiers if at <= sold.at), default=(None, ""))[1]
        factor, monday = TIERS.get(tier, Fraction(1)), sold.on - timedelta(days=sold.on.weekday())
        whole = {line.line: line.net_minor for line in sold.lines if line.customer_id == who}
        month = max(((at, one) for at, one in months if at <= sold.at), default=(None, 0))[1]
        points, given = _points(sold, whole, factor, CAP - used[monday])
        used[monday] += given
        left = _left(story, sold, whole)
        kept, _ = _points(sold, left, factor, given)
        owed.earned[sold.sale_id] = points + _extra(sold, whole, month)
        owed.kept[sold.sale_id] = min(kept + _extra(sold, left, month), owed.earned[sold.sale_id])
    return owed


def _left(story: Story, sold: SaleRecorded, whole: Mapping[int, int]) -> dict[int, int]:
    given = Counter[int]()
    for event in story.happened:
        if event.name == "SaleRefunded" and getattr(event, "sale_id", None) == sold.sale_id:
            given.update({line.line: line.refunded_minor for line in getattr(event, "lines", ())})
    return {line: amount - given[line] for line, amount in whole.items()}


def _points(sold: SaleRecorded, amounts: Mapping[int, int], factor: Fraction, room: int) -> tuple[int, int]:
    """Return points by amounts, and those of the morning among them, for which there is only so much room."""
    here = sold.at.astimezone(ZoneInfo(sold.zone))
    plain = mornings = threefold = Fraction(0)
    for line in sold.lines:
        if line.line not in amounts or line.kind is LineKind.ADJUSTMENT:
            continue
        points = amounts[line.line] * _rate(line) * factor
        plain += points
        if line.kind is LineKind.PRODUCT and here.date() >= date(2026, 3, 10):
            threefold += 2 * points
        elif here.hour < 12:
            mornings += points
    before = _down(plain)
    mornings, threefold = max(Fraction(0), mornings), max(Fraction(0), threefold)
    morning = _down(plain + mornings) - before
    threes = _down(plain + mornings + threefold) - before - morning
    return before + min(morning, room) + threes, min(morning, room)


def _extra(sold: SaleRecorded, amounts: Mapping[int, int], month: int) -> int:
    """Return the most extra points that something of the amounts is good for."""
    by_kind = Counter[LineKind]()
    for line in sold.lines:
        by_kind[line.kind] += amounts.get(line.line, 0)
    products = by_kind[LineKind.PRODUCT]
    birthday = sold.on.month == month and products + by_kind[LineKind.SERVICE] > 0
    return BIRTHDAY if birthday else SUNDAY if products > 0 and sold.on.weekday() == 6 else 0


def _rate(line: SaleLine) -> Fraction:
    return Fraction(1, 200) if line.kind is LineKind.PRODUCT else Fraction(1, 100)


def _down(points: Fraction) -> int:
    return max(0, points.numerator // points.denominator)


def check_rewards(story: Story, accounts: Mapping[UUID, Account], entries: Mapping[UUID, Iterable[Event]]) -> None:
    """Hold when each account, and each receipt by its entries, is what it must be; raise AssertionError."""
    for who in story.customers:
        account, owed = accounts.get(who, Account()), due(story, who)
        assert account.earned == sum(owed.earned.values())
        assert account.taken_back == sum(owed.earned.values()) - sum(owed.kept.values())
        assert sum(total.points for total in account.active) - account.debt == sum(owed.kept.values())
        earned, kept = Counter[UUID](), Counter[UUID]()
        sources = set[str]()
        for event in entries.get(who, []):
            if isinstance(event, PointsEarned):
                assert event.source not in sources
                sources.add(event.source)
            if isinstance(event, PointsEarned | PointsTakenBack):
                assert event.balance == 0 or event.debt == 0
                more, less = (event.points, 0) if isinstance(event, PointsEarned) else (0, event.points)
                corrected = getattr(event, "corrected", 0)
                assert not event.by or sum(one.points for one in event.by) == more - corrected
                earned[event.sale_id] += more - corrected
                kept[event.sale_id] += more - less
        assert {sale: points for sale, points in earned.items() if points} == _some(owed.earned)
        assert {sale: points for sale, points in kept.items() if points} == _some(owed.kept)


def _some(points: Mapping[UUID, int]) -> dict[UUID, int]:
    return {sale: one for sale, one in points.items() if one}
