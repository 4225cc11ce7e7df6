"""A reward is had and given back: one that is a coupon with its coupon, in one transaction, or nothing of it.

The account comes first, for its entry says which coupon of which offer; when the offer has none left, or the coupon was
used, that refusal is raised through the transaction and takes the entry with it.
"""

from collections.abc import Sequence

from contracts.loyalty_points import PointsRedeemed, RedemptionReversed
from services.loyalty_points.coupon.ending import VoidCoupon
from services.loyalty_points.coupon.issuing import IssueCoupon
from services.loyalty_points.domain import RedeemReward, ReverseRedemption
from services.loyalty_points.offer.domain import offer_id
from shared.handling import Outcome
from shared.idempotency import Idempotency
from shared.message import Cause, Command, Event
from shared.running import Running
from shared.whole import perform_whole

SOURCE = "reward"


async def hand_over(
    running: Running, command: RedeemReward | ReverseRedemption, cause: Cause, once: Idempotency | None = None
) -> Outcome:
    """Redeem a reward or give it back, and its coupon with it; raise Rejected, and nothing has changed."""
    return await perform_whole(running, command, following, cause, idempotency=once)


def following(told: Sequence[Event]) -> list[Command]:
    """Return what becomes of the coupons that entries name. Pure."""
    commands: list[Command] = []
    for event in told:
        match event:
            case PointsRedeemed(reward=reward) if reward and reward.coupon_id and reward.offer:
                commands.append(
                    IssueCoupon(
                        at=event.at,
                        customer_id=event.customer_id,
                        coupon_id=reward.coupon_id,
                        offer_id=offer_id(reward.offer),
                        source=SOURCE,
                    )
                )
            case RedemptionReversed(reward=reward) if reward and reward.coupon_id:
                commands.append(
                    VoidCoupon(
                        at=event.at,
                        customer_id=event.customer_id,
                        coupon_id=reward.coupon_id,
                        reason=event.reason,
                    )
                )
    return commands
