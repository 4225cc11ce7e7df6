"""Read a salon's export of receipt lines: one row a line of text, columns by name. Pure; taxes are decimals."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar
from unicodedata import category

from branchline.amount import decimal, to_minor

COLUMNS = ("receipt", "date", "description", "client", "staff", "quantity", "amount", "gst", "pst")
NOBODY = "WALK_IN"
LONGEST_CODE = 64
LARGEST_NUMBER = 2**53 - 1

T = TypeVar("T")

_DIGITS = re.compile(r"[0-9]{1,16}")


class NotAnExport(ValueError):
    """The file as a whole cannot be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that was left out: its line in the file (the header is line 1), and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a receipt. `client` is None where it was nobody."""

    line: int
    receipt: int
    on: date
    description: str
    client: str | None
    staff: str | None
    quantity: int
    amount_minor: int
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Receipt:
    """The rows of one receipt in file order; `place` counts the day's receipts from 0, by their numbers."""

    number: int
    on: date
    place: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Export:
    """What a file holds: receipts by day and number, and what could not be read."""

    rows: int
    receipts: tuple[Receipt, ...]
    unread: tuple[Unread, ...]


@dataclass
class _Sheet:
    """A receipt being put together. One with `spoilt` lines keeps its place in its day, but is left out whole."""

    rows: list[Row] = field(default_factory=list)
    days: set[date] = field(default_factory=set)
    spoilt: list[int] = field(default_factory=list)


def read_export(lines: Sequence[str], currency: str) -> Export:
    """Return the receipts of a file's lines. One with a row that cannot be read is left out whole: half is wrong."""
    header = _header(lines)
    sheets: dict[int, _Sheet] = {}
    unread: list[Unread] = []
    filled = [(number, line) for number, line in enumerate(lines[1:], start=2) if line.strip()]
    for number, line in filled:
        fields, reason = _fields(header, line)
        row = None
        if not reason:
            row, reason = _row(number, fields, currency)
        _lay(sheets, number, fields, row)
        if reason:
            unread.append(Unread(number, reason))
    unread += _held_back(sheets)
    return Export(len(filled), _receipts(sheets), tuple(sorted(unread, key=lambda left: left.line)))


def _header(lines: Sequence[str]) -> list[str]:
    if not lines:
        raise NotAnExport("the file is empty")
    header = [name.strip().lower() for name in next(csv.reader([lines[0].lstrip("\ufeff")]), [])]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise NotAnExport(f"its first line names no column {', '.join(missing)}")
    return header


def _fields(header: Sequence[str], line: str) -> tuple[dict[str, str], str]:
    try:
        fields = next(csv.reader([line], strict=True))
    except csv.Error as broken:
        return {"receipt": line.partition(",")[0]}, f"not a CSV row: {broken}"
    named = dict(zip(header, fields, strict=False))
    if len(fields) != len(header):
        return named, f"{len(fields)} columns instead of {len(header)}"
    if not all(_is_text(text) for text in fields):
        return named, "holds characters that cannot be read"
    return named, ""


def _row(line: int, fields: dict[str, str], currency: str) -> tuple[Row | None, str]:
    try:
        row = Row(
            line=line,
            receipt=_cell(fields, "receipt", _number),
            on=_cell(fields, "date", _day),
            description=" ".join(fields["description"].split()),
            client=_cell(fields, "client", _client),
            staff=fields["staff"].strip() or None,
            quantity=_cell(fields, "quantity", _quantity),
            amount_minor=_cell(fields, "amount", partial(to_minor, currency=currency)),
            tax=_cell(fields, "gst", decimal) + _cell(fields, "pst", decimal),
        )
    except ValueError as why:
        return None, str(why)
    return row, ""


def _cell(fields: dict[str, str], column: str, read: Callable[[str], T]) -> T:
    try:
        return read(fields[column])
    except ValueError as why:
        raise ValueError(f"{column}: {why}") from None


def _is_text(text: str) -> bool:
    """Return whether it has neither control characters nor bytes that were no UTF-8 (surrogates)."""
    return text.isprintable() or not any(category(letter) in ("Cc", "Cs") for letter in text)


def _number(text: str) -> int:
    number = int(text) if _DIGITS.fullmatch(text.strip()) else 0
    if not 0 < number <= LARGEST_NUMBER:
        raise ValueError(f"{text!r} is not a receipt number")
    return number


def _day(text: str) -> date:
    try:
        return datetime.strptime(f"{text.strip()} +0000", "%m/%d/%Y %z").date()
    except ValueError:
        raise ValueError(f"{text!r} is not a day (MM/DD/YYYY)") from None


def _client(text: str) -> str | None:
    code = text.strip()
    if not 0 < len(code) <= LONGEST_CODE:
        raise ValueError("is empty" if not code else f"is longer than {LONGEST_CODE} characters")
    return None if code.upper() == NOBODY else code


def _quantity(text: str) -> int:
    number = decimal(text)
    if number != number.to_integral_value():
        raise ValueError(f"{text!r} is not a whole number")
    return int(number)


def _lay(sheets: dict[int, _Sheet], line: int, fields: dict[str, str], row: Row | None) -> None:
    """Put a row on its receipt; of a row that cannot be read, what it says of the receipt and the day is kept."""
    if row:
        sheet = sheets.setdefault(row.receipt, _Sheet())
        sheet.rows.append(row)
        sheet.days.add(row.on)
        return
    try:
        sheet = sheets.setdefault(_number(fields.get("receipt", "")), _Sheet())
        sheet.spoilt.append(line)
        sheet.days.add(_day(fields.get("date", "")))
    except ValueError:
        return


def _held_back(sheets: dict[int, _Sheet]) -> list[Unread]:
    unread = []
    for number, sheet in sheets.items():
        if sheet.spoilt:
            reason = f"receipt {number} is left out whole: its line {sheet.spoilt[0]} cannot be read"
        elif len(sheet.days) > 1:
            reason = f"receipt {number} is left out: its rows name {len(sheet.days)} days"
        else:
            continue
        unread += [Unread(row.line, reason) for row in sheet.rows]
    return unread


def _receipts(sheets: dict[int, _Sheet]) -> tuple[Receipt, ...]:
    receipts = []
    sold_on: dict[date, int] = {}
    for number, sheet in sorted(sheets.items()):
        places = {day: sold_on.get(day, 0) for day in sheet.days}
        sold_on.update({day: place + 1 for day, place in places.items()})
        if sheet.rows and not sheet.spoilt and len(places) == 1:
            ((day, place),) = places.items()
            receipts.append(Receipt(number, day, place, tuple(sheet.rows)))
    return tuple(sorted(receipts, key=lambda receipt: (receipt.on, receipt.number)))
