"""Membership with guards in memory, and what every customer must be in the end, worked out from the story alone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from services.membership import domain
from services.membership.customer import Customer
from services.membership.domain import CountRefund, CountSale, SpendCounted, SpendReduced
from services.membership.reactions import react
from services.membership.standing import Standing
from services.membership.terms import Terms, Tier
from shared.message import Event
from tests.services.stories import Joining, Story, Told, TraitTold

Decide: TypeAlias = Callable[[Any, Customer], list[Any]]

TIERS = (
    Tier(name="ordinary", from_minor=0),
    Tier(name="silver", from_minor=15_000),
    Tier(name="gold", from_minor=40_000),
)


def terms(window_days: int) -> Terms:
    """Return terms whose limits the amounts of stories are around."""
    return Terms(join_minimum_minor=10_000, window_days=window_days, tiers=TIERS)


@dataclass(frozen=True)
class Spend:
    """What a receipt is worth to a customer."""

    sold_at: datetime
    left: Mapping[int, int]

    @property
    def left_minor(self) -> int:
        return sum(self.left.values())


@dataclass
class Roll:
    """Customers and their spend; what `gather` and `guard` do in Postgres is done in dictionaries."""

    now: datetime
    terms: Terms
    decide: Decide = domain.decide
    customers: dict[UUID, Customer] = field(default_factory=dict)
    spend: dict[tuple[UUID, UUID], Spend] = field(default_factory=dict)

    def hear(self, told: Iterable[Told]) -> "Roll":
        for news in told:
            assert not isinstance(news, Joining | TraitTold)
            for command in react(news):
                self._handle(command.model_copy(update={"standing": self._standing(command)}))
        return self

    def _handle(self, command: CountSale | CountRefund) -> None:
        who = command.customer_id
        for event in self.decide(command, self.customers.get(who, domain.initial)):
            self.customers[who] = domain.evolve(self.customers.get(who, domain.initial), event)
            self._guard(event)

    def _standing(self, command: CountSale | CountRefund) -> Standing:
        own = self.spend.get((command.customer_id, command.sale_id))
        others = [s for key, s in self.spend.items() if key[0] == command.customer_id and key[1] != command.sale_id]
        spend_minor = sum(s.left_minor for s in others if s.sold_at > self.now - self.terms.window)
        standing = Standing(now=self.now, terms=self.terms, joining=self.terms, spend_minor=spend_minor)
        return replace(standing, sold_at=own.sold_at, left=own.left) if own else standing

    def _guard(self, event: Event) -> None:
        match event:
            case SpendCounted():
                self.spend[event.customer_id, event.sale_id] = Spend(event.at, event.lines)
            case SpendReduced():
                known = self.spend[event.customer_id, event.sale_id]
                self.spend[event.customer_id, event.sale_id] = replace(known, left={**known.left, **event.lines})


def check(story: Story, customers: Mapping[UUID, Customer], now: datetime, holding: Terms) -> None:
    """Hold when members, their joining receipts and their tiers are those of the story; raise AssertionError."""
    for who in story.customers:
        found = customers.get(who, Customer())
        own = story.own(who)
        joining = [sold for sold in own if story.net(sold, who) >= holding.join_minimum_minor]
        first = min(joining, key=lambda sold: sold.order, default=None)
        assert (found.joined_order, found.joined_at) == ((first.order, first.at) if first else (None, None))
        spend = sum(story.left(sold, who) for sold in own if sold.at > now - holding.window)
        tier = [t.name for t in holding.tiers if spend >= t.from_minor or t is holding.tiers[0]][-1]
        assert found.tier == (tier if first else None)
