"""What should not come from a till and does: each is set aside, with its code, and holds up nothing. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from branchline.simulation import menu
from branchline.simulation.floor import Floor, Sold
from branchline.simulation.journal import DUPLICATE, Entry

STRANGE_CURRENCY = "XTS"


def mischief(floor: Floor, till: str, at: datetime) -> Entry | None:
    """Return something bad; None where what was drawn needs a receipt of this till, and there is none."""
    making = floor.chance.choice(KINDS)
    return making(floor, till, at)


def negative(floor: Floor, till: str, at: datetime) -> Entry:
    """Return a receipt below zero."""
    lines = [menu.service(floor.chance), menu.allowance(900_00)]
    return _spoilt(floor, till, at, "receipt-negative", lines)


def foreign(floor: Floor, till: str, at: datetime) -> Entry:
    """Return a receipt in another money."""
    return _spoilt(floor, till, at, "currency-mismatch", currency=STRANGE_CURRENCY)


def mistyped(floor: Floor, till: str, at: datetime) -> Entry:
    """Return an item of no known type."""
    return floor.entry(till, "sail", at, {}, must=parked("type-unknown"))


def corrupted(floor: Floor, till: str, at: datetime) -> Entry:
    """Return a receipt with an amount that is no whole number."""
    return _spoilt(floor, till, at, "malformed", [menu.service(floor.chance) | {"net_minor": 12.5}])


def timeless(floor: Floor, till: str, at: datetime) -> Entry:
    """Return a receipt whose time has no zone."""
    return _spoilt(floor, till, at.replace(tzinfo=None), "time-without-zone")


def misdialled(floor: Floor, till: str, at: datetime) -> Entry:
    """Return a receipt of a customer whose phone is none."""
    return _spoilt(floor, till, at, "phone-invalid", customer={"phone": "+1 416"})


def too_much_back(floor: Floor, till: str, at: datetime) -> Entry | None:
    """Return a refund of more than the line ever was."""
    sold = _own(floor, till)
    if sold is None:
        return None
    line = sold.entry.item["data"]["lines"][0]
    given = {"line": 1, "amount_minor": max(0, line["net_minor"]) + 1}
    data = {"receipt": sold.number, "currency": floor.currency, "lines": [given]}
    return floor.entry(till, "refund", at, data, must=parked("refund-beyond-line"), after=sold.entry.seq)


def rung_up_again(floor: Floor, till: str, at: datetime) -> Entry | None:
    """Return the same receipt under another number."""
    sold = _own(floor, till)
    if sold is None:
        return None
    item = sold.entry.item
    seq = floor.counters[till].take_seq()
    return Entry(item | {"seq": seq}, must=DUPLICATE, after=sold.entry.seq)


def renumbered(floor: Floor, till: str, at: datetime) -> Entry | None:
    """Return another receipt that has the number of an earlier one."""
    sold = _own(floor, till)
    if sold is None:
        return None
    data = menu.receipt(int(sold.number), floor.currency, None, [menu.voucher(77_77)], floor.chance)
    return floor.entry(till, "sale", at, data, must=parked("receipt-reused"), after=sold.entry.seq)


def cloned(floor: Floor, till: str, at: datetime) -> Entry | None:
    """Return something else under a sequence number that was used: a till whose memory was put back."""
    sold = _own(floor, till)
    if sold is None:
        return None
    item = {"seq": sold.entry.seq, "type": "check-in", "occurred_at": at.isoformat(), "data": {"customer": None}}
    return Entry(item, must=parked("seq-reused"), after=sold.entry.seq)


def parked(code: str) -> str:
    """Return the outcome of an item that is set aside."""
    return f"parked/{code}"


def _spoilt(
    floor: Floor, till: str, at: datetime, code: str, lines: list[dict[str, Any]] | None = None, **changed: Any
) -> Entry:
    number = floor.counters[till].take_receipt()
    data = menu.receipt(number, floor.currency, None, [menu.voucher(66_66)], floor.chance)
    if lines is not None:
        data["lines"] = lines
    return floor.entry(till, "sale", at, data | changed, must=parked(code))


def _own(floor: Floor, till: str) -> Sold | None:
    own = [sold for sold in floor.sold if sold.till == till]
    return floor.chance.choice(own) if own else None


KINDS: tuple[Callable[[Floor, str, datetime], Entry | None], ...] = (
    negative, foreign, mistyped, corrupted, timeless, misdialled, too_much_back, rung_up_again, renumbered, cloned,
)  # fmt: skip
