"""What the points ledger keeps of accounts, in dictionaries: what `guard` does in Postgres."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
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
from services.loyalty_points.domain import (
    Account,
    BirthdayMonthNoted,
    ForgivenessAsked,
    ForgivenessDeclined,
    Forgiving,
    KnownHold,
    ReceiptNoted,
    ReceiptRecounted,
    ReceiptReduced,
    TierNoted,
)
from services.loyalty_points.domain.lots import Lot, movements, new_lot
from services.loyalty_points.domain.settling import earned_by
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import PRESET, Terms
from services.loyalty_points.worth import Item, Sold
from tests.services.loyalty_points import merged_rows
from tests.services.loyalty_points.shelf import Shelf


@dataclass
class Rows:
    """Lots by whose account they are on; receipts, holds and forgivings by the id under which they came about."""

    terms: Terms = PRESET
    accounts: dict[UUID, Account] = field(default_factory=dict)
    receipts: dict[tuple[UUID, UUID], Receipt] = field(default_factory=dict)
    lots: dict[UUID, dict[UUID, Lot]] = field(default_factory=dict)
    holds: dict[tuple[UUID, UUID], KnownHold] = field(default_factory=dict)
    forgivings: dict[tuple[UUID, UUID], Forgiving] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    traits: dict[tuple[UUID, str], list[tuple[datetime, Any]]] = field(default_factory=dict)
    merges: dict[UUID, merged_rows.Merge] = field(default_factory=dict)

    def whose(self, who: UUID) -> UUID:
        """Return whose account an id of a customer's leads to."""
        while (into := self.accounts.get(who, Account()).moved_to) is not None:
            who = into
        return who

    def hold_key(self, who: UUID, name: UUID) -> tuple[UUID, UUID]:
        return next(key for key in self.holds if key[1] == name and self.whose(key[0]) == who)

    def forgiving_key(self, who: UUID, name: UUID) -> tuple[UUID, UUID]:
        found = (key for key in self.forgivings if key[1] == name and self.whose(key[0]) == who)
        return next(found, (who, name))

    def guard(self, event: Any) -> None:
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
            case TierNoted() | BirthdayMonthNoted():
                self._note(event)
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

    def _note(self, event: TierNoted | BirthdayMonthNoted) -> None:
        kind, value = ("tier", event.tier) if isinstance(event, TierNoted) else ("birthday_month", event.month)
        self.traits.setdefault((event.customer_id, kind), []).append((event.at, value))

    def _changed(self, event: ReceiptReduced | ReceiptRecounted, known: Receipt) -> Receipt:
        if isinstance(event, ReceiptRecounted):
            return replace(known, terms=self.terms)
        return replace(known, left={**known.left, **event.lines}, refunded_at=event.at)

    def _settle(self, event: PointsEarned | PointsTakenBack, points: int, lots: int) -> None:
        key = event.origin or event.customer_id, event.sale_id
        receipt = self.receipts[key]
        earned = Counter(receipt.earned)
        earned.update(earned_by(event))
        by_rule = {rule: sum_ for rule, sum_ in earned.items() if sum_}
        settled = replace(receipt, earned=by_rule, kept=receipt.kept + points, lots=receipt.lots + lots)
        self.receipts[key] = settled

    def _move(self, event: Any) -> None:
        who = event.customer_id
        match event:
            case HoldReleased(hold_id=hold_id):
                key = self.hold_key(who, hold_id)
                self.holds[key] = replace(self.holds[key], ended=event.why.value)
            case RedemptionReversed(redemption_id=what):
                key = self.hold_key(who, what)
                self.holds[key] = replace(self.holds[key], ended="reversed")
            case PointsSpentOffline():
                self._spend(event)
            case ForgivenessAsked() | ForgivenessDeclined() | DebtForgiven():
                self._let_go(event)
            case PointsRedeemed(hold_id=None, redemption_id=what, points=points):
                its = event.reward, event.branch
                self.holds[who, what] = KnownHold(what, points, event.at, None, event.lots, "captured", points, *its)
            case PointsRedeemed(hold_id=hold_id) if hold_id:
                key = self.hold_key(who, hold_id)
                held = replace(self.holds[key], ended="captured", captured=event.points)
                self.holds[key] = replace(held, branch=event.branch)

    def _let_go(self, event: Any) -> None:
        who = event.customer_id
        match event:
            case ForgivenessAsked(forgiveness_id=name):
                self.forgivings[who, name] = Forgiving(event.points, event.reason, event.asked_by, event.until)
            case ForgivenessDeclined(forgiveness_id=name):
                key = self.forgiving_key(who, name)
                self.forgivings[key] = replace(self.forgivings[key], how="declined")
            case DebtForgiven(forgiveness_id=name) if name:
                key = self.forgiving_key(who, name)
                known = self.forgivings.get(key, Forgiving(event.points, event.reason))
                self.forgivings[key] = replace(known, how="forgiven")

    def _spend(self, event: PointsSpentOffline) -> None:
        who, what, points = event.customer_id, event.spending_id, event.points
        till = None, event.branch, event.till
        self.holds[who, what] = KnownHold(what, points, event.at, None, event.spent_lots(), "captured", points, *till)
        for use in event.allowances:
            key = self.hold_key(who, use.hold_id)
            used = replace(self.holds[key], captured=self.holds[key].captured + use.points)
            self.holds[key] = used if used.left or used.ended else replace(used, ended="captured")
