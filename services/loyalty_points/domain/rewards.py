"""Points are spent on a reward, or put by until she fetches it; a wrong one is given back. Pure.

What comes back goes to its lots, by the rule of returned holds: it settles debt first, and what has expired meanwhile
is gone, as it is for whoever kept her points. An allowance's points and what a till let her spend do not come back:
only the till knows what was handed over. A coupon is hers when she redeems it: it is not put by, and its entry names
it, for reward.handing to issue it or to take it back with the points.
"""

from uuid import UUID

from contracts.loyalty_points import PointsRedeemed, RedemptionReversed
from services.loyalty_points.domain.lots import is_alive, repaying, split, total
from services.loyalty_points.domain.page import KnownHold, Ledger, Page
from services.loyalty_points.domain.spending import CAPTURED, REVERSED, drawn, put_by
from services.loyalty_points.reward.domain import Reason
from services.loyalty_points.reward.offer import Offer, coupon_id
from shared.errors import Rejected
from shared.message import Command, Instant


class RedeemReward(Command):
    """Spend a reward's price, and hand it over at a branch."""

    customer_id: UUID
    redemption_id: UUID
    reward_id: UUID
    branch: str
    offer: Offer | None = None  # brought by guards.gather, here and below
    ledger: Ledger | None = None


class HoldReward(Command):
    """Put a reward's price by, and one of its stock, until an instant; to capture it is to hand it over."""

    customer_id: UUID
    hold_id: UUID
    reward_id: UUID
    branch: str
    until: Instant
    offer: Offer | None = None
    ledger: Ledger | None = None


class ReverseRedemption(Command):
    """Give back what was spent: it was the wrong gift, say."""

    customer_id: UUID
    redemption_id: UUID
    reason: Reason
    ledger: Ledger | None = None


def redeem_reward(command: RedeemReward, page: Page) -> None:
    """Spend the price; the same again says nothing."""
    if known := page.holds.get(command.redemption_id):
        if known.until is None and _is_of(known, command.offer):
            return
        raise Rejected("redemption-differs", redemption_id=command.redemption_id)
    offer = _offered(command.offer, command.branch, page)
    points = offer.described.points
    coupon = coupon_id(command.customer_id, command.redemption_id) if offer.is_coupon else None
    page.tell(
        PointsRedeemed(
            at=command.at,
            customer_id=command.customer_id,
            redemption_id=command.redemption_id,
            points=points,
            lots=drawn(points, page),
            branch=command.branch,
            reward=offer.bought(command.branch, coupon),
            balance=0,
            debt=page.account.debt,
        )
    )


def hold_reward(command: HoldReward, page: Page) -> None:
    """Put the price by; the same again says nothing."""
    if known := page.holds.get(command.hold_id):
        if known.until and _is_of(known, command.offer):
            return
        raise Rejected("hold-differs", hold_id=command.hold_id)
    offer = _offered(command.offer, command.branch, page)
    if offer.is_coupon:
        raise Rejected("coupon-not-put-by", reward=offer.code)
    put_by(command.hold_id, offer.described.points, command.until, page, reward=offer.bought(command.branch))


def reverse(command: ReverseRedemption, page: Page) -> None:
    """Give a redemption's points back to their lots, once; the same again says nothing."""
    known = page.holds.get(command.redemption_id)
    if known is None or known.is_anothers or known.ended not in (CAPTURED, REVERSED):
        raise Rejected("redemption-unknown", redemption_id=command.redemption_id)
    if known.till:
        raise Rejected("spent-at-a-till", till=known.till)
    if known.ended == REVERSED:
        return
    lots = split(known.lots, known.captured)[0]
    repaid = repaying(lots, page.account.debt, page.now)
    page.tell(
        RedemptionReversed(
            at=command.at,
            customer_id=command.customer_id,
            redemption_id=command.redemption_id,
            points=known.captured,
            reason=command.reason,
            lots=lots,
            repaid=repaid,
            branch=known.branch,
            over=total(part for part in lots if not is_alive(part.expires_at, page.now)),
            reward=known.reward,
            balance=0,
            debt=page.account.debt - total(repaid),
        )
    )


def _offered(offer: Offer | None, branch: str, page: Page) -> Offer:
    if offer is None:
        raise Rejected("reward-unknown")
    offer.check(branch, page.now)
    return offer


def _is_of(known: KnownHold, offer: Offer | None) -> bool:
    return bool(known.reward and offer and known.reward.code == offer.code and not known.is_anothers)
