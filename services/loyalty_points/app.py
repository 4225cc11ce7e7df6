"""The points ledger's parts."""

from pathlib import Path

from contracts.loyalty_points import EVENTS
from services.loyalty_points import domain, expiring, guards, reactions, routes, views
from services.loyalty_points.basket import domain as basket
from services.loyalty_points.basket import routes as basket_routes
from services.loyalty_points.coupon import domain as coupon
from services.loyalty_points.coupon import guards as coupon_guards
from services.loyalty_points.coupon import routes as coupon_routes
from services.loyalty_points.offer import domain as offer
from services.loyalty_points.offer import guards as offer_guards
from services.loyalty_points.offer import routes as offer_routes
from services.loyalty_points.reward import domain as reward
from services.loyalty_points.reward import guards as reward_guards
from services.loyalty_points.reward import routes as reward_routes
from services.loyalty_points.terms import Terms
from shared.decider import Aggregate
from shared.service import Hearing, Service, ViewSet

app = Service(
    "loyalty-points",
    says=EVENTS,
    aggregates=(
        Aggregate(
            "account",
            domain,
            domain.Account,
            domain.COMMANDS,
            domain.EVENTS,
            key="customer_id",
            guards=guards,
            renewed={domain.RedeemPoints: domain.renewed, domain.HoldPoints: domain.renewed},
            follow=domain.follow,
            in_turn=domain.IN_TURN,
        ),
        Aggregate(
            "coupon-offer", offer, offer.CouponOffer, offer.COMMANDS, offer.EVENTS, key="offer_id", guards=offer_guards
        ),
        Aggregate(
            "coupon",
            coupon,
            coupon.Coupon,
            coupon.COMMANDS,
            coupon.EVENTS,
            key="coupon_id",
            partition="customer_id",
            guards=coupon_guards,
        ),
        Aggregate("basket", basket, basket.Basket, basket.COMMANDS, basket.EVENTS, key="basket_id"),
        Aggregate(
            "reward", reward, reward.Reward, reward.COMMANDS, reward.EVENTS, key="reward_id", guards=reward_guards
        ),
    ),
    hears=(
        Hearing("pos", reactions.FROM_POS, reactions.react),
        Hearing("membership", reactions.FROM_MEMBERSHIP, reactions.react),
    ),
    views=ViewSet(Path(__file__).with_name("views.sql"), views.project),
    routes=(*routes.ROUTES, *offer_routes.ROUTES, *coupon_routes.ROUTES, *basket_routes.ROUTES, *reward_routes.ROUTES),
    policy=Terms,
    workers=(expiring.expire,),
)
