"""A receipt as the points ledger sees it: one customer's own lines, what is left of them and has been earned. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from services.loyalty_points import lifetime
from services.loyalty_points.periods import Period, days_of
from services.loyalty_points.terms import PRESET, Terms
from services.loyalty_points.worth import Circumstances, Sold, rule_of, worth
from shared.replacing import replace

Key = tuple[UUID | None, str, Period, date]
Used = dict[Key, int]


@dataclass(frozen=True)
class Receipt:
    """A receipt of the customer's as the guard keeps it; `refunded_at` is the last refund's time, `left` by line.

    `earned` is what its entries have given by rule, for the lines as they were sold; `kept` is what refunds have left
    of that, in `lots` lots. `origin` is the id of hers that it was sold under, `earner` as whom she earns by it: her
    joining, tier and caps. None is whoever's account it is on.
    """

    sale_id: UUID
    branch: str
    zone: str
    on: date
    sold_at: datetime
    order: str
    sold: Mapping[int, Sold]
    left: Mapping[int, int]
    refunded_at: datetime | None = None
    terms: Terms = PRESET
    policy_version: int = 0
    tier: str | None = None
    birthday_month: int | None = None
    earned: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0
    lots: int = 0
    origin: UUID | None = None
    earner: UUID | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the natural keys of its lots among those of the customer: the first, and those of corrections."""
        return tuple(self._source(number) for number in range(1, self.lots + 1))

    @property
    def next_source(self) -> str:
        """Return the natural key of the lot that is to come."""
        return self._source(self.lots + 1)

    def _source(self, number: int) -> str:
        return f"sale/{self.sale_id}" if number == 1 else f"sale/{self.sale_id}/{number}"

    @property
    def active_from(self) -> datetime | None:
        """Return when its points can be spent; None is at once."""
        return lifetime.active_from(self.on, self.zone, self.terms.pending_days)

    @property
    def expires_at(self) -> datetime | None:
        """Return when they are over; None is never."""
        return lifetime.expires_at(self.on, self.zone, self.terms.expiry)

    def less(self, lines: Mapping[int, int]) -> "Receipt":
        """Return the receipt with less left of some lines."""
        return replace(self, left={**self.left, **lines})

    def earns(self, used: Used) -> dict[str, int]:
        """Return the points by rule of the receipt as it was sold, below the caps of which so much is used."""
        parts = self._worth({line: one.net_minor for line, one in self.sold.items()})
        for rule, key, most in self._caps():
            if rule in parts:
                parts[rule] = max(0, min(parts[rule], most - used.get(key, 0)))
        return {rule: points for rule, points in parts.items() if points}

    def keeps(self, earned: Mapping[str, int]) -> int:
        """Return the points that are left by refunds of what was earned by rule: never more than that."""
        whole = sum(earned.values())
        if not earned or all(self.left[line] == one.net_minor for line, one in self.sold.items()):
            return whole
        parts = self._worth(self.left)
        for rule, most in self._kept_at_most(earned):
            if rule in parts:
                parts[rule] = min(parts[rule], most)
        return min(whole, sum(parts.values()))

    def _kept_at_most(self, earned: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """Yield what a rule may leave: below a cap what it gave, and as extra points what extra points there were."""
        extra = {rule_of(bonus) for bonus in self.terms.earning.bonuses if bonus.extra}
        given = sum(points for rule, points in earned.items() if rule in extra)
        yield from ((rule, given) for rule in extra)
        yield from ((rule, earned.get(rule, 0)) for rule, _, _ in self._caps())

    def uses(self, earned: Mapping[str, int], used: Used) -> None:
        """Count what it has earned below the caps as used."""
        for rule, key, _ in self._caps():
            used[key] = used.get(key, 0) + earned.get(rule, 0)

    def _caps(self) -> Iterator[tuple[str, Key, int]]:
        for bonus in self.terms.earning.caps:
            if cap := bonus.cap:
                yield rule_of(bonus), (self.earner, bonus.name, cap.per, days_of(cap.per, self.on)[0]), cap.points

    def _worth(self, amounts: Mapping[int, int]) -> dict[str, int]:
        known = Circumstances(self.branch, self.zone, self.on, self.sold_at, self.tier, self.birthday_month)
        return worth(self.terms, known, self.sold, amounts)


Earns: TypeAlias = Callable[[Receipt], bool]


class Settled(NamedTuple):
    """A receipt, and what it should have earned by rule and keep, now that everything is known."""

    receipt: Receipt
    earned: Mapping[str, int]
    kept: int


def any_earns(_receipt: Receipt) -> bool:
    """Return that it earns, where nobody knows better."""
    return True


def settled(receipts: Iterable[Receipt], since: str, earns: Earns = any_earns) -> Iterator[Settled]:
    """Yield what each should have earned, oldest first; of those before `since` only what they use of caps counts."""
    used: Used = {}
    for receipt in receipts:
        if receipt.order < since:
            receipt.uses(receipt.earned, used)
            continue
        earned = receipt.earns(used) if earns(receipt) else {}
        receipt.uses(earned, used)
        yield Settled(receipt, earned, receipt.keeps(earned))


def costs(all_settled: Iterable[Settled]) -> int:
    """Return the most that settling takes from the customer's lots."""
    return sum(max(0, one.receipt.kept - one.kept) for one in all_settled)
