"""`branchline import receipts FILE --branch CODE`: a salon's own export, through the same door as the tills."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from branchline.amount import rounded_minor, shown
from branchline.door import MOST_ITEMS, Answer, Door
from branchline.export import COLUMNS, Export, NotAnExport, Receipt, Row, read_export
from branchline.listings import Listings, read_listings
from branchline.office import Office, Refused, open_office
from branchline.settings import settings

OPENS = clock(10)
NAMED = 20
TOLD_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the export is from: the branch, its zone, and the chain's currency."""

    branch: str
    zone: ZoneInfo
    currency: str

    @property
    def till(self) -> str:
        """Return the code of the branch's importing till."""
        return f"{self.branch}-import"


@dataclass
class Result:
    """What came of an import."""

    export: Export
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    parked: list[Answer] = field(default_factory=list)


def register(subparsers: Any) -> None:
    """Add the command."""
    importing = subparsers.add_parser("import", help="bring a salon's own export in, through the door of the tills")
    kinds = importing.add_subparsers(required=True)
    receipts = kinds.add_parser("receipts", help="lines of receipts (CSV); repeatable")
    receipts.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help=f"CSV with the columns {', '.join(COLUMNS)}; its listings are looked for beside it",
    )
    receipts.add_argument("--branch", required=True, metavar="CODE")
    receipts.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import the file: 0 when all of it is in, 1 when something was left out or parked, 2 when nothing was done."""
    try:
        lines = arguments.file.read_text(encoding="utf-8-sig", errors="surrogateescape").split("\n")
        return asyncio.run(_import(lines, read_listings(arguments.file.parent), arguments.branch))
    except (NotAnExport, Refused, OSError) as wrong:
        print(f"{arguments.file}: {wrong}", file=sys.stderr)
        return 2


async def _import(lines: Sequence[str], listings: Listings, branch: str) -> int:
    async with open_office(settings()) as office:
        place = await find_place(office, branch)
        export = read_export(lines, place.currency)
        result = await send_export(office, place, export, listings)
    print("\n".join(summary(result, listings, place.currency)))
    return 0 if not export.unread and not result.parked else 1


async def find_place(office: Office, code: str) -> Place:
    """Return the branch's place; raise NotAnExport where the chain has none of that code."""
    chain = await office.ask("pos", "GET", "/v1/chain")
    found = next((branch for branch in chain["branches"] if branch["code"] == code), None)
    if not found:
        raise NotAnExport(f"the chain has no branch {code}: add it by `branchline chain apply FILE.yaml`")
    return Place(code, ZoneInfo(found["zone"]), chain["currency"])


async def send_export(office: Office, place: Place, export: Export, listings: Listings) -> Result:
    """Register the importing till, send every receipt, and count the answers."""
    chain = await office.ask("pos", "GET", "/v1/chain")
    if not any(till["till"] == place.till for till in chain["tills"]):
        till = {"till": place.till, "branch": place.branch, "kind": "import"}
        branches = [branch for branch in chain["branches"] if branch["code"] == place.branch]
        told = {"chain": chain["chain"], "currency": chain["currency"], "branches": branches, "tills": [till]}
        await office.ask("pos", "PUT", "/v1/chain", told)
    door, result, started = Door(office, place.branch, place.till), Result(export), time.monotonic()
    told_at = started
    items = [sale(receipt, place, listings) for receipt in export.receipts]
    for first in range(0, len(items), MOST_ITEMS):
        if time.monotonic() > told_at + TOLD_EVERY:
            told_at = time.monotonic()
            print(f"{first:,} of {len(items):,} receipts sent", file=sys.stderr, flush=True)
        answers = await door.send(items[first : first + MOST_ITEMS])
        result.outcomes.update(answer.outcome for answer in answers)
        result.parked += [answer for answer in answers if answer.outcome == "parked"]
    result.seconds = time.monotonic() - started
    return result


def sale(receipt: Receipt, place: Place, listings: Listings) -> dict[str, Any]:
    """Return the receipt as a till sends it. A day's receipts are a second apart from ten in the morning, local."""
    at = datetime.combine(receipt.on, OPENS, place.zone) + timedelta(seconds=receipt.place)
    data = {
        "receipt": str(receipt.number),
        "currency": place.currency,
        "customer": None,
        "lines": [_line(row, listings) for row in receipt.rows],
        "payments": [],
        "tax_minor": rounded_minor(sum((row.tax for row in receipt.rows), Decimal()), place.currency),
    }
    return {"seq": receipt.number, "type": "sale", "occurred_at": at.isoformat(), "data": data}


def _line(row: Row, listings: Listings) -> dict[str, Any]:
    item = listings.item(row.description)
    return {
        "code": item.code,
        "name": row.description or item.code,
        "kind": "adjustment" if row.amount_minor < 0 else item.kind,
        "staff": row.staff,
        "quantity": row.quantity,
        "list_minor": row.amount_minor,
        "net_minor": row.amount_minor,
        "customer": {"client": row.client} if row.client else None,
    }


def summary(result: Result, listings: Listings, currency: str) -> list[str]:
    """Return what people want to know of an import, a line each."""
    rows = [row for receipt in result.export.receipts for row in receipt.rows]
    told = [f"line {left.line}: {left.reason}" for left in result.export.unread]
    told += [f"receipt {answer.seq}: {answer} {dict(answer.facts) or ''}".rstrip() for answer in result.parked]
    told += _unlisted(rows, listings)
    net = sum(row.amount_minor for row in rows)
    customers = len({row.client for row in rows if row.client})
    kinds = Counter("adjustment" if row.amount_minor < 0 else listings.item(row.description).kind for row in rows)
    rate = len(result.export.receipts) / result.seconds if result.seconds else 0.0
    receipts, outcomes = len(result.export.receipts), ("accepted", "duplicate", "parked")
    return [
        *told,
        f"{len(rows):,} of {result.export.rows:,} rows, {receipts:,} receipts, {customers:,} customers",
        f"net {shown(net, currency)} {currency}",
        "lines: " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items())),
        "answers: " + ", ".join(f"{result.outcomes[name]:,} {name}" for name in outcomes),
        f"{len(result.export.unread):,} rows left out; {rate:,.0f} receipts/s",
    ]


def _unlisted(rows: Sequence[Row], listings: Listings) -> list[str]:
    unlisted = Counter(row.description for row in rows if not listings.item(row.description).known)
    if not unlisted:
        return []
    named = ", ".join(f"{name or '(blank)'} ({count})" for name, count in unlisted.most_common(NAMED))
    return [f"{unlisted.total()} lines are in no listing and taken for services: {named}"]
