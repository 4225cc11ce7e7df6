"""What a basket costs: the tier's price first, then one coupon, then points. Pure; minor units, whole points.

Each step works on what the one before it left, and stands with what it took off of each line. A line marked exclusive,
or whose code the terms name, has no step after the tier price; an exclusive coupon no step after itself; adjustments,
which sell nothing, have none at all.
"""

from collections.abc import Callable, Mapping
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.pos import LineKind
from services.loyalty_points.basket.allocation import largest_remainder
from services.loyalty_points.basket.asked import Asked, Priced, PricedLine, Refused, Step
from services.loyalty_points.basket.discounts import taken_off
from services.loyalty_points.basket.fitting import fitting
from services.loyalty_points.basket.knowledge import Standing
from services.loyalty_points.offer.benefit import Gift, Percent
from services.loyalty_points.ratio import payable
from services.loyalty_points.ratio import taken_off as other_side
from services.loyalty_points.worth import Circumstances, Item, Sold, worth
from shared.errors import Rejected


class _Pricing:
    """A basket on its way through the steps; `prices` are what the lines cost after the last one."""

    def __init__(self, asked: Asked, standing: Standing, basket_id: UUID | None) -> None:
        self.asked, self.standing, self.basket_id = asked, standing, basket_id
        self.prices = {line.line: line.list_minor for line in asked.lines}
        self.steps: list[Step] = []
        self.refused: list[Refused] = []
        self.is_stopped = False

    def open_lines(self) -> dict[int, int]:
        """Return the prices of the lines that a step after the tier price may touch."""
        stopped = self.standing.terms.basket.exclusive_codes
        return {
            line.line: self.prices[line.line]
            for line in self.asked.lines
            if line.kind != LineKind.ADJUSTMENT and not line.exclusive and line.code not in stopped
        }

    def attempt(self, name: Literal["coupon", "points"], step: "Callable[[_Pricing], None]") -> None:
        """Take a step, or keep why it does not fit."""
        try:
            step(self)
        except Rejected as refusal:
            facts = {key: str(fact) if isinstance(fact, UUID) else fact for key, fact in refusal.facts.items()}
            self.refused.append(Refused(step=name, code=refusal.code, facts=facts))

    def take(self, step: Step) -> None:
        """Write down what a step takes off."""
        for line, off in step.by_line.items():
            self.prices[line] -= off
        self.steps.append(step)


def price(asked: Asked, standing: Standing, basket_id: UUID | None = None) -> Priced:
    """Return what the basket costs; a step that was asked for and does not fit is told, and the rest priced."""
    pricing = _Pricing(asked, standing, basket_id)
    _tier(pricing)
    if asked.coupon_id:
        pricing.attempt("coupon", _coupon)
    if asked.points:
        pricing.attempt("points", _points)
    return Priced(
        list_minor=sum(line.list_minor for line in asked.lines),
        total_minor=sum(pricing.prices.values()),
        lines=tuple(
            PricedLine(line=line.line, list_minor=line.list_minor, net_minor=pricing.prices[line.line])
            for line in asked.lines
        ),
        steps=tuple(pricing.steps),
        refused=tuple(pricing.refused),
        earns=_earns(asked, standing, pricing.prices),
    )


def _tier(pricing: _Pricing) -> None:
    standing = pricing.standing
    tier_price = standing.terms.basket.price_of(standing.tier) if standing.is_member else None
    if tier_price is None:
        return
    prices = {line.line: line.list_minor for line in pricing.asked.lines if line.kind != LineKind.ADJUSTMENT}
    ratio, whole = tier_price.payable, sum(prices.values())
    by_line = largest_remainder(whole - payable(whole, ratio), prices)
    off = sum(by_line.values())
    pricing.take(
        Step(
            step="tier",
            off_minor=off,
            by_line=by_line,
            tier=tier_price.tier,
            payable=ratio,
            off=other_side(ratio),
        )
    )


def _coupon(pricing: _Pricing) -> None:
    prices = pricing.open_lines()
    coupon, lines = fitting(pricing.asked, pricing.standing, pricing.basket_id, prices)
    benefit = coupon.terms.benefit
    by_line = taken_off(benefit, lines, prices)
    if not by_line and not isinstance(benefit, Gift):
        raise Rejected("coupon-takes-nothing-off")
    ratio = benefit.payable if isinstance(benefit, Percent) else None
    pricing.take(
        Step(
            step="coupon",
            off_minor=sum(by_line.values()),
            by_line=by_line,
            payable=ratio,
            off=other_side(ratio) if ratio else None,
            coupon_id=coupon.coupon_id,
            offer=coupon.coupon.offer,
            offer_version=coupon.offer_version,
            gift=benefit.code if isinstance(benefit, Gift) else None,
            gift_units=benefit.units if isinstance(benefit, Gift) else 0,
        )
    )
    pricing.is_stopped = coupon.terms.exclusive


def _points(pricing: _Pricing) -> None:
    """Take money off by points: as many as are asked for, and no more than the open lines cost."""
    standing, asked = pricing.standing, pricing.asked.points
    if pricing.is_stopped:
        raise Rejected("coupon-stands-alone")
    if asked > standing.available:
        raise Rejected("not-enough-points", available=standing.available, asked=asked)
    prices, point_minor = pricing.open_lines(), standing.terms.point_minor
    used = min(asked, sum(prices.values()) // point_minor)
    if not used:
        raise Rejected("nothing-for-points", point_minor=point_minor)
    off = used * point_minor
    pricing.take(Step(step="points", off_minor=off, by_line=largest_remainder(off, prices), points=used))


def _earns(asked: Asked, standing: Standing, prices: Mapping[int, int]) -> int:
    """Return what a receipt of these lines will earn by every rule, before the caps of bonuses."""
    if not standing.is_member:
        return 0
    on = standing.at.astimezone(ZoneInfo(asked.zone)).date()
    known = Circumstances(asked.branch, asked.zone, on, standing.at, standing.tier, standing.birthday_month)
    sold = {line.line: Sold(prices[line.line], Item(line.kind, line.code)) for line in asked.lines}
    return sum(worth(standing.terms, known, sold, prices).values())
