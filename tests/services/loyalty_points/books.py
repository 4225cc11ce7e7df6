"""The points ledger with guards in memory, and what each account must be, worked out from the story alone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points import domain
from services.loyalty_points.domain import (
    Account,
    CountReceipt,
    CountRefund,
    ReceiptNoted,
    ReceiptReduced,
    StartEarning,
)
from services.loyalty_points.reactions import react
from services.loyalty_points.receipt import Receipt
from shared.message import Event
from tests.services.stories import Story, Told

Decide: TypeAlias = Callable[[Any, Account], list[Any]]


@dataclass
class Books:
    """Accounts, receipts and entries; what `gather` and `guard` do in Postgres is done in dictionaries."""

    decide: Decide = domain.decide
    accounts: dict[UUID, Account] = field(default_factory=dict)
    receipts: dict[tuple[UUID, UUID], Receipt] = field(default_factory=dict)
    entries: dict[UUID, list[Event]] = field(default_factory=dict)

    def hear(self, told: Iterable[Told]) -> "Books":
        for news in told:
            for command in react(news):
                self._handle(command)
        return self

    def _handle(self, command: CountReceipt | CountRefund | StartEarning) -> None:
        who = command.customer_id
        for event in self.decide(self._gathered(command), self.accounts.get(who, domain.initial)):
            self.accounts[who] = domain.evolve(self.accounts.get(who, domain.initial), event)
            self.entries.setdefault(who, []).append(event)
            self._guard(event)

    def _gathered(self, command: CountReceipt | CountRefund | StartEarning) -> object:
        match command:
            case CountReceipt():
                return command.model_copy(update={"is_known": (command.customer_id, command.sale_id) in self.receipts})
            case CountRefund():
                return command.model_copy(update={"receipt": self.receipts.get((command.customer_id, command.sale_id))})
            case StartEarning():
                own = (r for (who, _), r in self.receipts.items() if who == command.customer_id)
                waiting = sorted((r for r in own if r.order >= command.joined_order), key=lambda r: r.order)
                return command.model_copy(update={"waiting": tuple(waiting)})

    def _guard(self, event: Event) -> None:
        match event:
            case ReceiptNoted():
                self.receipts[event.customer_id, event.sale_id] = Receipt(
                    event.sale_id, event.branch, event.on, event.at, event.order, event.net_minor, event.lines
                )
            case ReceiptReduced():
                known = self.receipts[event.customer_id, event.sale_id]
                self.receipts[event.customer_id, event.sale_id] = replace(
                    known, left={**known.left, **event.lines}, refunded_at=event.at
                )


def check(story: Story, accounts: Mapping[UUID, Account], entries: Mapping[UUID, list[Event]]) -> None:
    """Hold when the accounts are the story's, at a point for each 100 minor units; raise AssertionError."""
    for who in story.customers:
        account, joined = accounts.get(who, Account()), story.joined(who)
        own = [sold for sold in story.own(who) if joined is not None and sold.order >= joined]
        earned = {sold.sale_id: max(0, story.net(sold, who)) // 100 for sold in own}
        kept = {sold.sale_id: max(0, story.left(sold, who)) // 100 for sold in own}
        assert account.joined_order == joined
        assert account.earned == sum(earned.values())
        assert account.taken_back == sum(earned.values()) - sum(kept.values())
        assert account.balance - account.debt == sum(kept.values())
        _check_entries(account, entries.get(who, []), kept)


def _check_entries(account: Account, events: Iterable[Event], kept: Mapping[UUID, int]) -> None:
    """Every entry's balance is the sum of those up to it, and never below zero without a stated debt."""
    total, by_receipt = 0, dict.fromkeys(kept, 0)
    for event in events:
        if isinstance(event, PointsEarned | PointsTakenBack):
            change = event.points if isinstance(event, PointsEarned) else -event.points
            total += change
            by_receipt[event.sale_id] += change
            assert event.balance - event.debt == total
            assert event.balance >= 0
            assert event.balance == 0 or event.debt == 0
    assert (total, by_receipt) == (account.balance - account.debt, kept)
