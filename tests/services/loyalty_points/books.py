"""The points ledger with guards in memory, and what each account must be, worked out from the story alone."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from contracts.loyalty_points import (
    DebtForgiven,
    HoldReleased,
    PointsEarned,
    PointsHeld,
    PointsRedeemed,
    PointsSpentOffline,
    PointsTakenBack,
    RedemptionReversed,
)
from services.loyalty_points import domain
from services.loyalty_points.domain import (
    Account,
    AccountCommand,
    AllowPoints,
    ApproveForgiveness,
    CountReceipt,
    CountRefund,
    CountSpending,
    DeclineForgiveness,
    ForgiveDebt,
    ForgivenessAsked,
    ForgivenessDeclined,
    Forgiving,
    HoldReward,
    KnownHold,
    Ledger,
    NoteTier,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    RecountReceipts,
    RedeemReward,
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
from tests.services.loyalty_points.shelf import Shelf
from tests.services.stories import FIRST_DAY, Told

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
    forgivings: dict[tuple[UUID, UUID], Forgiving] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
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
        told = self.decide(self.gathered(command), self.accounts.get(who, domain.initial))
        for event in told:
            self.accounts[who] = domain.evolve(self.accounts.get(who, domain.initial), event)
            self.entries.setdefault(who, []).append(event)
            self._guard(event)
        return told

    def gathered(self, command: AccountCommand) -> Any:
        """Return the command with what it must know."""
        who = command.customer_id
        holds = (h for (whose, _), h in self.holds.items() if whose == who and self._is_needed(h, command))
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
            case _:
                brought |= self._at_the_desk(command)
        return command.model_copy(update=brought)

    def _tier(self, who: UUID, at: datetime) -> str | None:
        return max((one for one in self.tiers.get(who, []) if one[0] <= at), default=(at, None))[1]

    def tiered(self, who: UUID, receipt: Receipt) -> Receipt:
        return replace(receipt, tier=self._tier(who, receipt.sold_at))

    def _at_the_desk(self, command: AccountCommand) -> dict[str, Any]:
        match command:
            case RedeemReward() | HoldReward():
                return {"offer": self.shelf.offer(command, self.now, self._lapsed())}
            case AllowPoints():
                return {"most": self.terms.desk.offline_points}
            case ForgiveDebt() | ApproveForgiveness() | DeclineForgiveness():
                known = {"known": self.forgivings.get((command.customer_id, command.forgiveness_id))}
                if not isinstance(command, ForgiveDebt):
                    return known
                alone = self._forgiven_alone(command.customer_id)
                return {**known, "terms": self.terms.desk, "forgiven_alone": alone}
        return {}

    def _forgiven_alone(self, who: UUID) -> int:
        told = (e for e in self.entries.get(who, ()) if isinstance(e, DebtForgiven) and e.forgiveness_id)
        alone = (e for e in told if e.forgiveness_id and self.forgivings[who, e.forgiveness_id].asked_by is None)
        since = self.now - timedelta(days=self.terms.desk.alone_days)
        return sum(e.points for e in alone if e.booked_at and e.booked_at > since)

    def _lapsed(self) -> set[UUID]:
        return {h.hold_id for h in self.holds.values() if h.ended is None and h.until and h.until <= self.now}

    def _is_needed(self, hold: KnownHold, command: AccountCommand) -> bool:
        """Return whether it is the one that is named, has lapsed, or is the till's."""
        names = ("hold_id", "redemption_id", "allowance_id", "spending_id")
        if hold.hold_id in {getattr(command, name, None) for name in names}:
            return True
        if isinstance(command, AllowPoints | CountSpending) and hold.is_of(command.branch, command.till):
            return True
        return hold.hold_id in self._lapsed()

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
                self.holds[who, hold_id] = KnownHold(
                    hold_id=hold_id,
                    points=event.points,
                    held_at=event.at,
                    until=event.until,
                    lots=event.lots,
                    reward=event.reward,
                    branch=event.branch,
                    till=event.till,
                )
            case _:
                self._move(event)
        self.shelf.guard(event)
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
                self.holds[who, hold_id] = replace(self.holds[who, hold_id], ended=event.why.value)
            case RedemptionReversed(redemption_id=what):
                self.holds[who, what] = replace(self.holds[who, what], ended="reversed")
            case PointsSpentOffline():
                self._spend(event)
            case ForgivenessAsked() | ForgivenessDeclined() | DebtForgiven():
                self._let_go(event)
            case PointsRedeemed(hold_id=None, redemption_id=what, points=points):
                its = event.reward, event.branch
                self.holds[who, what] = KnownHold(what, points, event.at, None, event.lots, "captured", points, *its)
            case PointsRedeemed(hold_id=hold_id) if hold_id:
                held = replace(self.holds[who, hold_id], ended="captured", captured=event.points)
                self.holds[who, hold_id] = replace(held, branch=event.branch)

    def _let_go(self, event: Any) -> None:
        who = event.customer_id
        match event:
            case ForgivenessAsked(forgiveness_id=name):
                self.forgivings[who, name] = Forgiving(event.points, event.reason, event.asked_by, event.until)
            case ForgivenessDeclined(forgiveness_id=name):
                self.forgivings[who, name] = replace(self.forgivings[who, name], how="declined")
            case DebtForgiven(forgiveness_id=name) if name:
                known = self.forgivings.get((who, name), Forgiving(event.points, event.reason))
                self.forgivings[who, name] = replace(known, how="forgiven")

    def _spend(self, event: PointsSpentOffline) -> None:
        who, what, points = event.customer_id, event.spending_id, event.points
        till = None, event.branch, event.till
        self.holds[who, what] = KnownHold(what, points, event.at, None, event.spent_lots(), "captured", points, *till)
        for use in event.allowances:
            used = self.holds[who, use.hold_id]
            used = replace(used, captured=used.captured + use.points)
            self.holds[who, use.hold_id] = used if used.left or used.ended else replace(used, ended="captured")
