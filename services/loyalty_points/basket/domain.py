"""A basket that was paid: its price stands for ever, as it was worked out then; it may be undone once. Pure."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from services.loyalty_points.basket.asked import Asked, Priced
from services.loyalty_points.basket.knowledge import Standing
from services.loyalty_points.basket.pricing import price
from services.loyalty_points.domain.forgiving import Reason
from shared.errors import Rejected
from shared.message import Command, Event

SHAPE = 1


class CommitBasket(Command):
    """Fix what a basket costs. `expected_minor` is the total that the customer was shown, where she was shown one."""

    basket_id: UUID
    asked: Asked
    expected_minor: int | None = None
    standing: Standing  # brought by committing: how things stand at `at`


class RollBackBasket(Command):
    """The sale was void; the reason is a code: a sentence might name somebody."""

    basket_id: UUID
    reason: Reason


class BasketCommitted(Event):
    """A basket was paid at this price, every step by the terms of that version."""

    basket_id: UUID
    asked: Asked
    expected_minor: int | None = None
    priced: Priced
    policy_version: int


class BasketRolledBack(Event):
    """The basket was undone: coupon and points are the customer's again."""

    basket_id: UUID
    reason: str


BasketEvent: TypeAlias = BasketCommitted | BasketRolledBack


@dataclass(frozen=True)
class Basket:
    """What was committed, and whether it was undone."""

    committed: BasketCommitted | None = None
    rolled_back: BasketRolledBack | None = None


initial = Basket()
COMMANDS = (CommitBasket, RollBackBasket)
EVENTS = (BasketCommitted, BasketRolledBack)


def decide(command: CommitBasket | RollBackBasket, basket: Basket) -> list[BasketEvent]:
    """Return the events `command` causes: the same again says nothing; raise Rejected."""
    match command:
        case CommitBasket():
            return _commit(command, basket.committed)
        case RollBackBasket():
            if basket.committed is None:
                raise Rejected("basket-unknown", basket_id=command.basket_id)
            if basket.rolled_back:
                return []
            return [BasketRolledBack(at=command.at, basket_id=command.basket_id, reason=command.reason)]


def _commit(command: CommitBasket, committed: BasketCommitted | None) -> list[BasketEvent]:
    if committed:
        if (committed.asked, committed.expected_minor) == (command.asked, command.expected_minor):
            return []
        raise Rejected("basket-differs", basket_id=command.basket_id)
    priced = price(command.asked, command.standing, command.basket_id)
    for refused in priced.refused:
        raise Rejected(refused.code, **refused.facts)
    if command.expected_minor not in (None, priced.total_minor):
        raise Rejected("basket-costs-otherwise", total_minor=priced.total_minor, expected_minor=command.expected_minor)
    return [
        BasketCommitted(
            at=command.at,
            basket_id=command.basket_id,
            asked=command.asked,
            expected_minor=command.expected_minor,
            priced=priced,
            policy_version=command.standing.policy_version,
        )
    ]


def evolve(basket: Basket, event: BasketEvent) -> Basket:
    """Return the basket after `event`."""
    match event:
        case BasketCommitted():
            return Basket(event)
        case BasketRolledBack():
            return Basket(basket.committed, event)
