"""The points ledger with guards in memory, and what each account must be, worked out from the story alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from contracts.loyalty_points import HoldReleased, PointsEarned, PointsHeld, PointsRedeemed, PointsTakenBack
from services.loyalty_points import domain
from services.loyalty_points.domain import (
    Account,
    AccountCommand,
    CountReceipt,
    CountRefund,
    KnownHold,
    Ledger,
    NoteTier,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    RecountReceipts,
    StartEarning,
    TierNoted,
)
from services.loyalty_points.domain.lots import Lot, movements, new_lot
from services.loyalty_points.domain.settling import earned_by
from services.loyalty_points.reactions import react
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import PRESET, Terms
from services.loyalty_points.worth import Item, Sold
from shared.message import Event
from tests.services.stories import FIRST_DAY, Story, Told

Decide: TypeAlias = Callable[[Any, Account], list[Any]]


@dataclass
class Books:
    """Accounts, receipts, lots, holds and entries; what `gather` and `guard` do in Postgres is done in dictionaries."""

    decide: Decide = domain.decide
    now: datetime = FIRST_DAY + timedelta(days=60)
    terms: Terms = PRESET
    accounts: dict[UUID, Account] = field(default_factory=dict)
    receipts: dict[tuple[UUID, UUID], Receipt] = field(default_factory=dict)
    lots: dict[UUID, dict[UUID, Lot]] = field(default_factory=dict)
    holds: dict[tuple[UUID, UUID], KnownHold] = field(default_factory=dict)
    entries: dict[UUID, list[Event]] = field(default_factory=dict)
    tiers: dict[UUID, list[tuple[datetime, str]]] = field(default_factory=dict)

    def hear(self, told: Iterable[Told]) -> "Books":
        for news in told:
            for command in react(news):
                self.handle(command)
        return self

    def handle(self, command: AccountCommand) -> list[Event]:
        """Return what came of the command; raise its Rejected."""
        who = command.customer_id
        told = self.decide(self._gathered(command), self.accounts.get(who, domain.initial))
        for event in told:
            self.accounts[who] = domain.evolve(self.accounts.get(who, domain.initial), event)
            self.entries.setdefault(who, []).append(event)
            self._guard(event)
        return told

    def _gathered(self, command: AccountCommand) -> object:
        who = command.customer_id
        named = getattr(command, "hold_id", getattr(command, "redemption_id", None))
        holds = (
            hold
            for (whose, hold_id), hold in self.holds.items()
            if whose == who
            and (hold_id == named or (hold.ended is None and hold.until is not None and hold.until <= self.now))
        )
        ledger = Ledger(self.now, tuple(self.lots.get(who, {}).values()), tuple(holds))
        brought: dict[str, Any] = {"ledger": ledger}
        own = {r.sale_id: r for (whose, _), r in self.receipts.items() if whose == who}
        own = {r.sale_id: self.tiered(who, r) for r in sorted(own.values(), key=lambda r: r.order)}
        match command:
            case CountReceipt(sale_id=sale_id):
                others = tuple(r for r in own.values() if r.earned)
                brought |= {"is_known": sale_id in own, "terms": self.terms, "others": others}
                brought |= {"tier": self._tier(who, command.at)}
            case CountRefund():
                brought |= {"receipt": own.get(command.sale_id)}
            case StartEarning():
                brought |= {"waiting": tuple(r for r in own.values() if r.order >= command.joined_order)}
            case NoteTier(at=at, tier=tier):
                known = sorted(self.tiers.get(who, []))
                until = next((from_at for from_at, name in known if (from_at, name) > (at, tier)), None)
                brought |= {"is_known": (at, tier) in known, "until": until, "receipts": tuple(own.values())}
            case RecountReceipts():
                renewed = {sale_id for sale_id, r in own.items() if r.terms != self.terms}
                receipts = tuple(replace(r, terms=self.terms) for r in own.values())
                brought |= {"receipts": receipts, "recounted": frozenset(renewed)}
        return command.model_copy(update=brought)

    def _tier(self, who: UUID, at: datetime) -> str | None:
        return max((one for one in self.tiers.get(who, []) if one[0] <= at), default=(at, None))[1]

    def tiered(self, who: UUID, receipt: Receipt) -> Receipt:
        return replace(receipt, tier=self._tier(who, receipt.sold_at))

    def _guard(self, event: Any) -> None:
        who = event.customer_id
        match event:
            case ReceiptNoted():
                self.receipts[who, event.sale_id] = Receipt(
                    sale_id=event.sale_id,
                    branch=event.branch,
                    zone=event.zone,
                    on=event.on,
                    sold_at=event.at,
                    order=event.order,
                    sold={line: Sold(net, event.items.get(line, Item())) for line, net in event.lines.items()},
                    left=event.lines,
                    terms=self.terms,
                )
            case ReceiptReduced() | ReceiptRecounted():
                self.receipts[who, event.sale_id] = self._changed(event, self.receipts[who, event.sale_id])
            case TierNoted():
                self.tiers.setdefault(who, []).append((event.at, event.tier))
            case PointsEarned(lot_id=own) if own:
                self.lots.setdefault(who, {})[own] = new_lot(event, own)
                self._settle(event, event.points, 1)
            case PointsTakenBack():
                self._settle(event, -event.points, 0)
            case PointsHeld(hold_id=hold_id):
                self.holds[who, hold_id] = KnownHold(hold_id, event.points, event.at, event.until, event.lots)
            case _:
                self._move(event)
        for lot_id, *moved in movements(event):
            lot = self.lots[who][lot_id]
            names = ("repaid", "drawn", "taken_back", "expired")
            sums = {name: getattr(lot, name) + more for name, more in zip(names, moved, strict=True)}
            self.lots[who][lot_id] = replace(lot, **sums)

    def _changed(self, event: ReceiptReduced | ReceiptRecounted, known: Receipt) -> Receipt:
        if isinstance(event, ReceiptRecounted):
            return replace(known, terms=self.terms)
        return replace(known, left={**known.left, **event.lines}, refunded_at=event.at)

    def _settle(self, event: PointsEarned | PointsTakenBack, points: int, lots: int) -> None:
        receipt = self.receipts[event.customer_id, event.sale_id]
        earned = Counter(receipt.earned)
        earned.update(earned_by(event))
        by_rule = {rule: sum_ for rule, sum_ in earned.items() if sum_}
        settled = replace(receipt, earned=by_rule, kept=receipt.kept + points, lots=receipt.lots + lots)
        self.receipts[event.customer_id, event.sale_id] = settled

    def _move(self, event: Any) -> None:
        who = event.customer_id
        match event:
            case HoldReleased(hold_id=hold_id):
                self._end(who, hold_id, event.why.value)
            case PointsRedeemed(hold_id=None, redemption_id=what, points=points):
                self.holds[who, what] = KnownHold(what, points, event.at, None, event.lots, "captured", points)
            case PointsRedeemed(hold_id=hold_id) if hold_id:
                self._end(who, hold_id, "captured", event.points)

    def _end(self, who: UUID, hold_id: UUID, how: str, captured: int = 0) -> None:
        self.holds[who, hold_id] = replace(self.holds[who, hold_id], ended=how, captured=captured)


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
        assert _left(account) - account.debt == sum(kept.values())
        _check_entries(account, entries.get(who, []), kept)


def _left(account: Account) -> int:
    return sum(total.points for total in account.active)


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
    assert (total, by_receipt) == (_left(account) - account.debt, kept)
