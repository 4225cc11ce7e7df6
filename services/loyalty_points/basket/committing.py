"""Baskets are committed and rolled back: basket, coupon and points in one transaction, or nothing of them.

Each command writes one stream, so these are three commands. All three streams are this service's own, in one Postgres:
one transaction does what a process with holds and timers would do in several, and there is nothing in between that a
crash could leave. The basket comes first, for it says which coupon and how many points; when one of these refuses since
somebody else was faster, the refusal is raised through the transaction and takes the basket with it. Streams are locked
in this order only, basket before the others, so that nobody waits in a circle. Locks stay what they are for: a checkout
that takes its time, and commits the basket of the same id.
"""

from collections.abc import Sequence
from uuid import UUID

from services.loyalty_points.basket.asked import Asked
from services.loyalty_points.basket.domain import Basket, BasketCommitted, CommitBasket, RollBackBasket
from services.loyalty_points.basket.standing import clock, standing
from services.loyalty_points.coupon import known
from services.loyalty_points.coupon.domain import RedeemCoupon, RollBackCoupon
from services.loyalty_points.domain import RedeemPoints, ReverseRedemption
from services.loyalty_points.guards import holds
from services.loyalty_points.whose import whose
from shared.errors import Missing
from shared.handling import Outcome
from shared.http import Problem
from shared.message import Cause, Command, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running

_IS_BASKET = "SELECT category = 'basket' FROM stream WHERE id = $1"


async def commit(
    running: Running, basket_id: UUID, asked: Asked, expected_minor: int | None, cause: Cause
) -> BasketCommitted:
    """Return what was committed, now or before; raise Rejected when anything that was asked for does not fit."""

    async def act(tx: Tx) -> BasketCommitted:
        at = await clock(tx)
        stands = await standing(tx, running.handler, asked, at)
        command = CommitBasket(at=at, basket_id=basket_id, asked=asked, expected_minor=expected_minor, standing=stands)
        if await _handled(running, tx, [command], cause):
            committed = await _committed(running, tx, basket_id)
            await _spend(running, tx, _spending(command, committed, await _who(running, tx, committed)), cause)
        return await _committed(running, tx, basket_id)

    return await in_transaction(running, act)


async def roll_back(running: Running, basket_id: UUID, reason: str, cause: Cause) -> Basket:
    """Return the basket as it is after it was undone, now or before; raise Missing for one that is unknown."""

    async def act(tx: Tx) -> Basket:
        _, basket = await running.handler.state(tx, "basket", basket_id)
        if basket.committed is None:
            raise Missing("basket-unknown", basket_id=str(basket_id))
        command = RollBackBasket(at=await clock(tx), basket_id=basket_id, reason=reason)
        if await _handled(running, tx, [command], cause):
            committed = await _committed(running, tx, basket_id)
            await _handled(running, tx, await _giving_back(tx, command, committed), cause)
        _, basket = await running.handler.state(tx, "basket", basket_id)
        assert isinstance(basket, Basket)
        return basket

    return await in_transaction(running, act)


async def stands(running: Running, basket_id: UUID) -> bool:
    """Return whether there is such a basket, committed and not undone."""
    async with running.pool.acquire() as tx:
        found = await tx.fetchval(_IS_BASKET, basket_id)
        _, basket = await running.handler.state(tx, "basket", basket_id) if found else (0, Basket())
    return basket.committed is not None and basket.rolled_back is None


async def _handled(running: Running, tx: Tx, commands: Sequence[Command], cause: Cause) -> list[bool]:
    """Return of each command whether it did anything, nothing when none did; raise the first refusal."""
    outcomes: list[Outcome] = await running.handler.handle(tx, [Issued(command, cause) for command in commands])
    for outcome in outcomes:
        if outcome.refusal:
            raise outcome.refusal
    did = [bool(outcome.events) for outcome in outcomes]
    return did if any(did) else []


async def _spend(running: Running, tx: Tx, commands: Sequence[Command], cause: Cause) -> None:
    """Spend for this basket; what was spent before, under its id, does not pay for it."""
    did = await _handled(running, tx, commands, cause)
    if commands and not (did and all(did)):
        raise Problem(409, "redemption-differs")


async def _committed(running: Running, tx: Tx, basket_id: UUID) -> BasketCommitted:
    _, basket = await running.handler.state(tx, "basket", basket_id)
    assert basket.committed
    committed: BasketCommitted = basket.committed
    return committed


async def _who(running: Running, tx: Tx, committed: BasketCommitted) -> UUID | None:
    """Return whose coupon and points they are: a basket keeps the id that it was asked with."""
    who = committed.asked.customer_id
    return await whose(tx, running.handler, who) if who else None


def _spending(command: CommitBasket, committed: BasketCommitted, who: UUID | None) -> list[Command]:
    at, basket_id = command.at, command.basket_id
    commands: list[Command] = []
    for step in committed.priced.steps if who else ():
        assert who
        if step.coupon_id:
            commands.append(RedeemCoupon(at=at, customer_id=who, coupon_id=step.coupon_id, basket_id=basket_id))
        if step.points:
            commands.append(
                RedeemPoints(
                    at=at,
                    customer_id=who,
                    redemption_id=basket_id,
                    points=step.points,
                    branch=committed.asked.branch,
                )
            )
    return commands


async def _giving_back(tx: Tx, command: RollBackBasket, committed: BasketCommitted) -> list[Command]:
    """Return what gives coupon and points back to whose they are now: customers may have merged or split since."""
    at, basket_id = command.at, command.basket_id
    commands: list[Command] = []
    for step in committed.priced.steps:
        if step.coupon_id and (coupon := await known.one(tx, step.coupon_id)) and (who := coupon.coupon.customer_id):
            commands.append(RollBackCoupon(at=at, customer_id=who, coupon_id=step.coupon_id, basket_id=basket_id))
        if step.points and (who := await holds.whose(tx, basket_id)):
            commands.append(ReverseRedemption(at=at, customer_id=who, redemption_id=basket_id, reason=command.reason))
    return commands
