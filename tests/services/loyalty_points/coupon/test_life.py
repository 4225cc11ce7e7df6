"""Whatever is done with coupons in whatever order: an offer's limits hold, and no coupon is good twice or again."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.loyalty_points import CouponExpired, CouponIssued, CouponRedeemed, CouponRolledBack, CouponVoided
from services.loyalty_points.coupon import domain
from services.loyalty_points.coupon.domain import (
    Coupon,
    ExpireCoupon,
    LapseLock,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
    VoidCoupon,
)
from services.loyalty_points.coupon.issuing import IssueCoupon
from services.loyalty_points.coupon.life import CouponEvent
from services.loyalty_points.offer.domain import offer_id
from shared.errors import Rejected
from shared.message import Event
from tests.services.loyalty_points.coupon.stories import DAY, LI, MEI, NOON, OFFER, terms

PER_PERSON, TOTAL = 2, 3
ACTS = ("issue", "lock", "unlock", "lapse", "redeem", "roll-back", "void", "expire")
Act: TypeAlias = tuple[str, int, int, int, timedelta]
Decide: TypeAlias = Callable[[Any, Coupon], Sequence[CouponEvent]]

acts = st.tuples(
    st.sampled_from(ACTS),
    st.integers(0, 4),
    st.integers(0, 1),
    st.integers(0, 1),
    st.sampled_from([timedelta(), timedelta(hours=1), DAY, 2 * DAY]),
)


@dataclass
class Desk:
    """Five coupons that two customers may have, and what was said of each; guards are dictionaries."""

    decide: Decide = domain.decide
    now: Any = NOON
    coupons: dict[UUID, Coupon] = field(default_factory=dict)
    told: dict[UUID, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def do(self, act: Act) -> None:
        name, which, whose, session, wait = act
        self.now += wait
        told = {"at": self.now, "customer_id": (MEI, LI)[whose], "coupon_id": uuid5(MEI, str(which))}
        command = self._command(name, told, uuid5(LI, str(session)))
        before: Coupon = self.coupons.get(command.coupon_id, domain.initial)
        try:
            events = self.decide(command, before)
        except Rejected:
            return
        for event in events:
            before = domain.evolve(before, event)
            self.told[command.coupon_id].append(event)
        self.coupons[command.coupon_id] = before

    def _command(self, name: str, told: dict[str, Any], session: UUID) -> Any:
        match name:
            case "issue":
                out = [c.customer_id for c in self.coupons.values() if c.customer_id and c.ended != "voided"]
                brought: dict[str, Any] = {
                    "offer": OFFER,
                    "number": 1,
                    "terms": terms(per_person=PER_PERSON, total=TOTAL, valid_days=3),
                }
                brought |= {"taken": len(out), "taken_by_her": out.count(told["customer_id"])}
                return IssueCoupon(**told, offer_id=offer_id(OFFER), **brought)
            case "lock":
                return LockCoupon(**told, session_id=session, until=self.now + DAY)
            case "unlock":
                return UnlockCoupon(**told, session_id=session)
            case "redeem":
                return RedeemCoupon(**told, basket_id=session)
            case "roll-back":
                return RollBackCoupon(**told, basket_id=session)
            case "void":
                return VoidCoupon(**told, reason="x")
            case "lapse":
                return LapseLock(**told)
            case _:
                return ExpireCoupon(**told)


def check(desk: Desk) -> None:
    """Hold when what was said keeps the promises; it looks at the events alone, never at the rules."""
    out: Counter[UUID] = Counter()
    for told in desk.told.values():
        first, *rest = told
        assert isinstance(first, CouponIssued)
        assert not any(isinstance(event, CouponIssued) for event in rest)
        out[first.customer_id] += not any(isinstance(event, CouponVoided) for event in rest)
        _check_one(first, rest)
    assert max(out.values(), default=0) <= PER_PERSON
    assert out.total() <= TOTAL


def _check_one(issued: CouponIssued, told: Sequence[Event]) -> None:
    basket_id, is_over = None, False
    for event in told:
        assert not is_over, "nothing comes after the end"
        match event:
            case CouponRedeemed():
                assert basket_id is None, "redeemed twice"
                assert issued.active_from <= event.at
                assert issued.expires_at is None or event.at < issued.expires_at
                basket_id = event.basket_id
            case CouponRolledBack():
                assert basket_id == event.basket_id
                basket_id = None
            case CouponExpired() | CouponVoided():
                assert basket_id is None
                is_over = True


@given(st.lists(acts, max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_sequence_of_acts_breaks_a_coupons_promises(story: list[Act]) -> None:
    desk = Desk()
    for act in story:
        desk.do(act)
        check(desk)


def _forgets_limits(command: Any, coupon: Coupon) -> Sequence[CouponEvent]:
    free = {"taken": 0, "taken_by_her": 0}
    return domain.decide(command.model_copy(update=free) if isinstance(command, IssueCoupon) else command, coupon)


def _forgets_the_basket(command: Any, coupon: Coupon) -> Sequence[CouponEvent]:
    is_redeeming = isinstance(command, RedeemCoupon)
    return domain.decide(command, replace(coupon, basket_id=None) if is_redeeming else coupon)


def _forgets_the_end(command: Any, coupon: Coupon) -> Sequence[CouponEvent]:
    return domain.decide(command, replace(coupon, ended=None, expires_at=None))


def _voids_what_is_redeemed(command: Any, coupon: Coupon) -> Sequence[CouponEvent]:
    is_voiding = isinstance(command, VoidCoupon)
    return domain.decide(command, replace(coupon, basket_id=None) if is_voiding else coupon)


STORIES: dict[Decide, tuple[str, ...]] = {
    _forgets_limits: ("issue 0", "issue 1", "issue 2", "issue 3"),
    _forgets_the_basket: ("issue 0", "redeem 0 0", "redeem 0 1"),
    _forgets_the_end: ("issue 0", "void 0", "redeem 0 0"),
    _voids_what_is_redeemed: ("issue 0", "redeem 0 0", "void 0"),
}


@pytest.mark.parametrize("decide", STORIES, ids=lambda decide: str(decide.__name__).strip("_"))
def test_a_planted_bug_is_seen(decide: Decide) -> None:
    def played(desk: Desk) -> None:
        for act in STORIES[decide]:
            name, which, *session = act.split()
            desk.do((name, int(which), 0, int(session[0]) if session else 0, timedelta()))
        check(desk)

    played(Desk())
    with pytest.raises(AssertionError):
        played(Desk(decide))
