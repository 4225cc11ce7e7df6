"""The points ledger with guards in memory: what `gather` does in Postgres."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from contracts.loyalty_points import DebtForgiven
from contracts.membership import CustomersMerged, CustomersSplit
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
    HoldReward,
    KnownHold,
    Ledger,
    NoteBirthdayMonth,
    NoteTier,
    RecountReceipts,
    RedeemReward,
    SettleReceipts,
    StartEarning,
)
from services.loyalty_points.domain.events import AccountGivenBack, AccountGivenUp
from services.loyalty_points.domain.identity import as_whom
from services.loyalty_points.reactions import react
from services.loyalty_points.receipt import Receipt
from shared.message import Event
from tests.services.loyalty_points import merged_rows
from tests.services.loyalty_points.rows import Rows
from tests.services.stories import FIRST_DAY, Told

News: TypeAlias = Told | CustomersMerged | CustomersSplit
Decide: TypeAlias = Callable[[Any, Account], list[Any]]


@dataclass
class Books(Rows):
    """Accounts and their entries."""

    decide: Decide = domain.decide
    now: datetime = FIRST_DAY + timedelta(days=60)
    entries: dict[UUID, list[Event]] = field(default_factory=dict)
    log: list[tuple[UUID, Event]] = field(default_factory=list)

    def hear(self, told: Iterable[News]) -> "Books":
        for news in told:
            for command in react(news):
                self.handle(command)
        return self

    def handle(self, command: AccountCommand) -> list[Event]:
        """Return what came of the command; raise its Rejected."""
        while onward := domain.follow(command, self.accounts.get(command.customer_id, domain.initial)):
            assert isinstance(onward, AccountCommand)
            command = onward
        who = command.customer_id
        told = self.decide(self.gathered(command), self.accounts.get(who, domain.initial))
        for event in told:
            self.accounts[who] = domain.evolve(self.accounts.get(who, domain.initial), event)
            self.entries.setdefault(who, []).append(event)
            self.log.append((who, event))
            self.guard(event)
            if isinstance(event, AccountGivenUp | AccountGivenBack):
                merged_rows.keep(self, event)
        return told

    def gathered(self, command: AccountCommand) -> Any:
        """Return the command with what it must know."""
        who = command.customer_id
        holds = (
            replace(hold, is_anothers=self.whose(of) != who)
            for (of, _), hold in self.holds.items()
            if self._is_needed(hold, command, is_hers=self.whose(of) == who)
        )
        ledger = Ledger(self.now, tuple(self.lots.get(who, {}).values()), tuple(holds))
        brought: dict[str, Any] = {"ledger": ledger}
        own = self.own(who)
        match command:
            case CountReceipt(sale_id=sale_id, under=under):
                others = tuple(r for r in own if r.earned)
                is_known = (under or who, sale_id) in self.receipts
                earner = self._earner(who, under or who, command.at)
                brought |= {"is_known": is_known, "terms": self.terms, "others": others, "earner": earner}
                brought |= self._traits(earner or who, command.at)
            case CountRefund(sale_id=sale_id, under=under):
                brought |= {"receipt": next((r for r in own if (r.origin, r.sale_id) == (under, sale_id)), None)}
            case StartEarning():
                brought |= {"waiting": tuple(own)}
            case SettleReceipts():
                brought |= {"receipts": tuple(own)}
            case NoteTier(tier=value) | NoteBirthdayMonth(month=value):
                brought |= self._told("tier" if isinstance(command, NoteTier) else "birthday_month", command, value)
                brought |= {"receipts": tuple(own)}
            case RecountReceipts():
                renewed = {(r.origin, r.sale_id) for r in own if r.terms != self.terms}
                receipts = tuple(replace(r, terms=self.terms) for r in own)
                brought |= {"receipts": receipts, "recounted": frozenset(renewed)}
            case _:
                brought |= self._at_the_desk(command)
        return command.model_copy(update=brought)

    def _told(self, kind: str, command: NoteTier | NoteBirthdayMonth, value: str | int) -> dict[str, Any]:
        """Return whether that is known, and until when it holds."""
        known = sorted(self.traits.get((command.under or command.customer_id, kind), []))
        until = next((from_at for from_at, other in known if (from_at, other) > (command.at, value)), None)
        return {"is_known": (command.at, value) in known, "until": until}

    def _traits(self, who: UUID, at: datetime) -> dict[str, Any]:
        known = {kind: self.traits.get((who, kind), []) for kind in ("tier", "birthday_month")}
        return {kind: max((one for one in told if one[0] <= at), default=(at, None))[1] for kind, told in known.items()}

    def of_its_time(self, who: UUID, receipt: Receipt) -> Receipt:
        """Return a receipt with what was known of her then."""
        return replace(receipt, **self._traits(receipt.earner or who, receipt.sold_at))

    def own(self, who: UUID) -> list[Receipt]:
        """Return the receipts on an account, in their order, each with as whom she earns by it."""
        found = []
        for (of, _), receipt in self.receipts.items():
            if self.whose(of) == who:
                earner = self._earner(who, of, receipt.sold_at)
                found.append(self.of_its_time(who, replace(receipt, origin=None if of == who else of, earner=earner)))
        return sorted(found, key=lambda r: r.order)

    def _earner(self, who: UUID, of: UUID, at: datetime) -> UUID | None:
        earner = as_whom(self.accounts.get(who, Account()).others, of, at)
        return None if earner == who else earner

    def _at_the_desk(self, command: AccountCommand) -> dict[str, Any]:
        match command:
            case RedeemReward() | HoldReward():
                return {"offer": self.shelf.offer(command, self.now, self._lapsed())}
            case AllowPoints():
                return {"most": self.terms.desk.offline_points}
            case ForgiveDebt() | ApproveForgiveness() | DeclineForgiveness():
                key = self.forgiving_key(command.customer_id, command.forgiveness_id)
                known = {"known": self.forgivings.get(key)}
                if not isinstance(command, ForgiveDebt):
                    return known
                alone = self._forgiven_alone(command.customer_id)
                return {**known, "terms": self.terms.desk, "forgiven_alone": alone}
        return merged_rows.brought(self, command)

    def _forgiven_alone(self, who: UUID) -> int:
        told = (e for e in self.entries.get(who, ()) if isinstance(e, DebtForgiven) and e.forgiveness_id)
        alone = (e for e in told if self._had_nobody_to_ask(who, e))
        since = self.now - timedelta(days=self.terms.desk.alone_days)
        return sum(e.points for e in alone if e.booked_at and e.booked_at > since)

    def _had_nobody_to_ask(self, who: UUID, event: DebtForgiven) -> bool:
        name = event.forgiveness_id
        return name is not None and self.forgivings[self.forgiving_key(who, name)].asked_by is None

    def _lapsed(self) -> set[UUID]:
        return {h.hold_id for h in self.holds.values() if h.ended is None and h.until and h.until <= self.now}

    def _is_needed(self, hold: KnownHold, command: AccountCommand, *, is_hers: bool) -> bool:
        """Return whether it is the one that is named, whosever; or has lapsed, or is the till's."""
        names = ("hold_id", "redemption_id", "allowance_id", "spending_id")
        if hold.hold_id in {getattr(command, name, None) for name in names} or not is_hers:
            return hold.hold_id in {getattr(command, name, None) for name in names}
        if isinstance(command, AllowPoints | CountSpending) and hold.is_of(command.branch, command.till):
            return True
        return hold.hold_id in self._lapsed()
