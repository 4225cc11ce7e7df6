"""The oracle of rewards and offline tills, in plain Python from the rules in words. One reward: ten points, twice."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.services.loyalty_points.oracle import Oracle
from tests.services.loyalty_points.oracle_rows import FAR, OracleHold, OracleLot, Parts

Name = tuple[str, int]  # a hold or a redemption, and its number
PRICE, STOCK, MOST_EACH, OFFLINE = 10, 3, 2, 20


@dataclass
class OracleAllowance(OracleHold):
    """A hold that a till uses up piece by piece; of one that has lapsed `parts` are what it never heard to be spent."""

    made_at: datetime = FAR
    till: str = ""
    whole: int = 0


@dataclass
class OracleShop(Oracle):
    """A customer's ledger, what she took of the one reward, and what tills let her spend."""

    stock: int = STOCK
    rewards: set[int] = field(default_factory=set)
    spent: dict[Name, Parts] = field(default_factory=dict)  # of redemptions that can be given back
    reversed: set[Name] = field(default_factory=set)
    receipts_of_tills: set[tuple[str, int]] = field(default_factory=set)

    @property
    def taken(self) -> int:
        """Return how many rewards she has or are put by for her."""
        return STOCK - self.stock

    def wait(self, until: datetime) -> None:
        open_before = [n for n in self.rewards if n in self.holds and self.holds[n].how is None]
        super().wait(until)
        self._put_back(n for n in open_before if self.holds[n].how == "lapsed")

    def redeem(self, number: int, points: int) -> str | None:
        is_new = number not in self.redemptions
        refusal = super().redeem(number, points)
        if is_new and refusal is None:
            self.spent["redemption", number] = self.drawn[-1]
        return refusal

    def take(self, number: int) -> str | None:
        if number in self.redemptions:
            return None
        if refusal := self._may_not() or self.redeem(number, PRICE):
            return refusal
        self.rewards.add(number)
        self.stock -= 1
        return None

    def put_by(self, number: int, lasts: timedelta) -> str | None:
        if number in self.holds:
            return None
        if refusal := self._may_not() or self.hold(number, PRICE, lasts):
            return refusal
        self.rewards.add(number)
        self.stock -= 1
        return None

    def capture(self, number: int, points: int) -> str | None:
        known = self.holds.get(number)
        was_open = known is not None and known.how is None
        if was_open and number in self.rewards and 0 < points < PRICE:
            return "less-than-the-price"
        refusal = super().capture(number, points)
        if known and was_open and refusal is None:
            self.spent["hold", number] = [(lot, had) for lot, had in _first(known.parts, points) if had]
        return refusal

    def release(self, number: int) -> str | None:
        was_open = number in self.holds and self.holds[number].how is None
        refusal = super().release(number)
        if was_open and number in self.rewards:
            self._put_back([number])
        return refusal

    def reverse(self, kind: str, number: int) -> str | None:
        name = kind, number
        if name in self.reversed:
            return None
        if name not in self.spent:
            return "redemption-unknown"
        self.reversed.add(name)
        if kind == "hold":
            self.holds[number].how = "reversed"
        self.redeemed -= sum(points for _, points in self.spent[name])
        self._give_back(self.spent[name], self.now)
        if number in self.rewards:
            self._put_back([number])
        return None

    def allow(self, number: int, till: str, points: int, lasts: timedelta) -> str | None:
        known = self.holds.get(number)
        if isinstance(known, OracleAllowance):
            return None if (known.till, known.whole) == (till, points) else "hold-differs"
        open_ones = (h for h in self.holds.values() if isinstance(h, OracleAllowance) and h.how is None)
        if sum(h.points for h in open_ones if h.till == till) + points > OFFLINE:
            return "allowance-too-large"
        if refusal := self.hold(number, points, lasts):
            return refusal
        held = self.holds[number]
        self.holds[number] = OracleAllowance(
            points, lasts, held.until, list(held.parts), None, 0, self.now, till, points
        )
        return None

    def spend_offline(self, till: str, number: int, points: int, at: datetime) -> None:
        if (till, number) in self.receipts_of_tills:
            return
        self.receipts_of_tills.add((till, number))
        self.redeemed += points
        for allowance in self._allowances(till, at):
            points -= self._use(allowance, points)
        for lot in sorted(self.lots.values(), key=lambda lot: (not self._is_active(lot), lot.order())):
            if lot.expires_at is None or lot.expires_at > at:
                points -= self._take(lot, points)
        self.debt += points
        self.on_credit += points

    def _may_not(self) -> str | None:
        if self.taken >= MOST_EACH:
            return "reward-limit-reached"
        return None

    def _put_back(self, numbers: Iterable[int]) -> None:
        self.stock += len(list(numbers))

    def _allowances(self, till: str, at: datetime) -> list[OracleAllowance]:
        own = [h for h in self.holds.values() if isinstance(h, OracleAllowance) and h.till == till]
        covering = [h for h in own if h.made_at <= at < h.until and h.how in (None, "lapsed")]
        return sorted(covering, key=lambda h: h.until)

    def _use(self, allowance: OracleAllowance, points: int) -> int:
        """Return how much of what is wanted it gives."""
        used = [(lot, part) for lot, part in _first(allowance.parts, points) if part]
        for place, (lot_id, left) in enumerate(list(allowance.parts)):
            allowance.parts[place] = (lot_id, left - sum(part for lot, part in used if lot == lot_id))
        allowance.parts = [(lot, left) for lot, left in allowance.parts if left]
        share = sum(part for _, part in used)
        if allowance.how is None:
            allowance.points -= share
            if not allowance.points:
                allowance.how = "captured"
            return share
        return sum(self._take(self.lots[lot], part) for lot, part in used)

    def _take(self, lot: OracleLot, points: int) -> int:
        rest = min(lot.rest, points)
        gone = min(lot.expired, points - rest)
        lot.rest -= rest
        lot.expired -= gone
        self.expired -= gone
        return rest + gone


def _first(parts: Parts, points: int) -> Parts:
    """Return what of each part is among the first so many points."""
    given = []
    for lot, part in parts:
        given.append((lot, min(part, points)))
        points -= given[-1][1]
    return given
