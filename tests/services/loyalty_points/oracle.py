"""The ledger of lots worked out a second time, in plain Python, from the rules in words. It never asks the domain.

It is eager where the ledger is lazy: whenever the clock moves, lots expire and holds lapse at their very instant.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.services.loyalty_points.oracle_rows import OracleHold, OracleLot, OracleReceipt, Parts


@dataclass
class Oracle:
    """One customer. `days` None: points expire at the end of the year; 0: never."""

    now: datetime
    zone: ZoneInfo
    days: int | None
    pending_days: int
    lots: dict[UUID, OracleLot] = field(default_factory=dict)
    holds: dict[int, OracleHold] = field(default_factory=dict)
    redemptions: dict[int, int] = field(default_factory=dict)
    receipts: dict[int, OracleReceipt] = field(default_factory=dict)
    joined: tuple[datetime, int] | None = None
    debt: int = 0
    earned: int = 0
    taken_back: int = 0
    redeemed: int = 0
    expired: int = 0
    forgiven: int = 0
    on_credit: int = 0  # of what was redeemed, what no lot gave
    drawn: list[Parts] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        """Return what the account must show."""
        return {
            "available": sum(lot.rest for lot in self.lots.values() if self._is_active(lot)),
            "pending": sum(lot.rest for lot in self.lots.values() if not self._is_active(lot)),
            "reserved": sum(hold.points for hold in self.holds.values() if hold.how is None),
            **{name: getattr(self, name) for name in ("debt", "earned", "taken_back", "redeemed")},
            **{name: getattr(self, name) for name in ("expired", "forgiven")},
        }

    def wait(self, until: datetime) -> None:
        """Let time pass: at one instant lots are over before holds are."""
        while True:
            ends = [(lot.expires_at, 0, lot) for lot in self.lots.values() if lot.rest and lot.expires_at]
            lapses = [(hold.until, 1, hold) for hold in self.holds.values() if hold.how is None]
            coming: list[tuple[datetime, int, Any]] = [one for one in (*ends, *lapses) if one[0] <= until]
            if not coming:
                break
            at, _, what = min(coming, key=lambda one: one[:2])
            self.now = max(self.now, at)
            if isinstance(what, OracleHold):
                what.how = "lapsed"
                self._give_back(what.parts, at)
            else:
                self._expire(what)
        self.now = until

    def sell(self, sale: int, lot_id: UUID, sold_at: datetime, net: int) -> None:
        if sale not in self.receipts:
            self.receipts[sale] = OracleReceipt(sale, lot_id, sold_at, net, net)
            self._earn_what_may()

    def join(self, sold_at: datetime, sale: int) -> None:
        self.joined = min(self.joined or (sold_at, sale), (sold_at, sale))
        self._earn_what_may()

    def refund(self, sale: int, left: int) -> None:
        receipt = self.receipts[sale]
        if left < receipt.left:
            was, receipt.left = receipt.left, left
            if receipt.has_earned:
                self._take_back(receipt, was // 100 - left // 100)

    def hold(self, number: int, points: int, lasts: timedelta) -> str | None:
        if known := self.holds.get(number):
            return None if (known.points, known.lasts) == (points, lasts) else "hold-differs"
        if points <= 0:
            return "points-invalid"
        if sum(hold.how is None for hold in self.holds.values()) == 20:
            return "too-many-holds"
        if points > self.figures()["available"]:
            return "not-enough-points"
        self.holds[number] = OracleHold(points, lasts, self.now + lasts, self._draw(points))
        return None

    def capture(self, number: int, points: int) -> str | None:
        known = self.holds.get(number)
        if points <= 0:
            return "points-invalid"
        if known is None:
            return "hold-unknown"
        if known.how == "captured" and known.captured == points:
            return None
        if known.how:
            return "hold-ended"
        if points > known.points:
            return "more-than-held"
        known.how, known.captured = "captured", points
        self.redeemed += points
        back: Parts = []
        for lot_id, drawn in known.parts:
            spent = min(points, drawn)
            points -= spent
            back.append((lot_id, drawn - spent))
        self._give_back(back, self.now)
        return None

    def release(self, number: int) -> str | None:
        known = self.holds.get(number)
        if known is None:
            return "hold-unknown"
        if known.how == "released":
            return None
        if known.how:
            return "hold-ended"
        known.how = "released"
        self._give_back(known.parts, self.now)
        return None

    def redeem(self, number: int, points: int) -> str | None:
        if points <= 0:
            return "points-invalid"
        if number in self.redemptions:
            return None if self.redemptions[number] == points else "redemption-differs"
        if points > self.figures()["available"]:
            return "not-enough-points"
        self.redemptions[number] = points
        self.redeemed += points
        self._draw(points)
        return None

    def forgive(self, points: int) -> str | None:
        if points <= 0:
            return "points-invalid"
        if points > self.debt:
            return "more-than-owed"
        self.debt -= points
        self.forgiven += points
        return None

    def _is_active(self, lot: OracleLot) -> bool:
        return lot.active_from is None or lot.active_from <= self.now

    def _earn_what_may(self) -> None:
        for receipt in sorted(self.receipts.values(), key=lambda r: (r.sold_at, r.sale)):
            if self.joined and (receipt.sold_at, receipt.sale) >= self.joined and not receipt.has_earned:
                receipt.has_earned = True
                if receipt.net >= 100:
                    self._earn(receipt)
                self._take_back(receipt, receipt.net // 100 - receipt.left // 100)

    def _earn(self, receipt: OracleReceipt) -> None:
        points, on = receipt.net // 100, receipt.sold_at.astimezone(self.zone).date()
        over_on = date(on.year + 1, 1, 1) if self.days is None else on + timedelta(days=self.days + 1)
        lot = OracleLot(
            receipt.lot_id,
            receipt.sold_at,
            self._midnight(on + timedelta(days=self.pending_days)) if self.pending_days else None,
            None if self.days == 0 else self._midnight(over_on),
            points,
        )
        self.lots[lot.lot_id] = lot
        self.earned += points
        if lot.expires_at and lot.expires_at <= self.now:
            self._expire(lot)
        else:
            repaid = min(self.debt, points)
            self.debt -= repaid
            lot.rest -= repaid

    def _take_back(self, receipt: OracleReceipt, points: int) -> None:
        if not points:
            return
        self.taken_back += points
        own = self.lots[receipt.lot_id]
        taken = min(own.rest, points)
        own.rest -= taken
        points -= taken
        taken = min(own.expired, points)
        own.expired -= taken
        self.expired -= taken
        points -= taken
        for lot in sorted(self.lots.values(), key=lambda lot: (not self._is_active(lot), lot.order())):
            taken = min(lot.rest, points)
            lot.rest -= taken
            points -= taken
        self.debt += points

    def _draw(self, points: int) -> Parts:
        parts: Parts = []
        for lot in sorted((lot for lot in self.lots.values() if self._is_active(lot)), key=OracleLot.order):
            if given := min(lot.rest, points):
                parts.append((lot.lot_id, given))
                lot.rest -= given
                points -= given
        self.drawn.append(parts)
        return parts

    def _give_back(self, parts: Parts, at: datetime) -> None:
        for lot_id, points in parts:
            lot = self.lots[lot_id]
            if lot.expires_at and lot.expires_at <= at:
                lot.expired += points
                self.expired += points
            else:
                repaid = min(self.debt, points)
                self.debt -= repaid
                lot.rest += points - repaid

    def _expire(self, lot: OracleLot) -> None:
        lot.expired += lot.rest
        self.expired += lot.rest
        lot.rest = 0

    def _midnight(self, on: date) -> datetime:
        return datetime.combine(on, time(), self.zone)
