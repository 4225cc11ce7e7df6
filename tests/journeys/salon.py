"""A salon's export, and what it must lead to: worked out here from the file alone, with nothing of the importer's."""

import csv
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from deploy.local.places import CHECKOUT

LISTINGS = ("service-listing.csv", "product-listing-retail.csv")
COLUMNS = ("Receipt", "Date", "Description", "Client", "Staff", "Quantity", "Amount", "GST", "PST")
JOIN_MINIMUM = Decimal(100)
_SERVICES = "Code,Desc,Cate\nSHCW,Women's hair cut,STYLE\nCON,Consultation,MISC\nCFC,Color full color,COLOR\n"
REAL = (1436, 1934, Decimal("115809.03"), 766)  # receipts, lines, net, customers


@dataclass
class Expected:
    """What must come of an export at a join minimum of 100.00 and a point for each 1.00: by client, by receipt."""

    receipts: int = 0
    lines: int = 0
    net: Decimal = Decimal()
    joined: dict[str, str] = field(default_factory=dict)
    points: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Salon:
    """An export beside its listings."""

    path: Path
    is_real: bool

    def rows(self) -> list[dict[str, str]]:
        """Return the rows of the file."""
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def written(self, rows: Sequence[dict[str, str]], folder: Path) -> Path:
        """Return a new file of these rows, with the listings beside it."""
        folder.mkdir()
        for name in LISTINGS:
            (folder / name).symlink_to(self.path.with_name(name))
        return _write(folder / self.path.name, rows)


def salon(folder: Path) -> Salon:
    """Return the real salon where its data is, else one made up in `folder` that is of the same kind."""
    real = Path(os.environ.get("BRANCHLINE_SALON", CHECKOUT.parent / "shared" / "data" / "salon-2018"))
    if (real / "receipt-transactions.csv").is_file():
        return Salon((real / "receipt-transactions.csv").resolve(), is_real=True)
    return Salon(_made_up(folder), is_real=False)


def expected(rows: Sequence[dict[str, str]]) -> Expected:
    """Return what the rows must lead to, in whatever order they are."""
    told = Expected(lines=len(rows), net=sum((Decimal(row["Amount"]) for row in rows), Decimal()))
    told.receipts = len({row["Receipt"] for row in rows})
    own: dict[str, dict[tuple[datetime, int], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        place = datetime.strptime(row["Date"] + "+0000", "%m/%d/%Y%z"), int(row["Receipt"])
        if row["Client"] != "WALK_IN":
            own[row["Client"]][place] += Decimal(row["Amount"])
    for client, receipts in own.items():
        told.points[client] = {}
        for (_, number), amount in sorted(receipts.items()):
            if amount >= JOIN_MINIMUM:
                told.joined.setdefault(client, str(number))
            if client in told.joined and amount >= 1:
                told.points[client][str(number)] = int(amount)
    return told


def _made_up(folder: Path) -> Path:
    chance = Random("a salon")
    (folder / LISTINGS[0]).write_text(_SERVICES)
    (folder / LISTINGS[1]).write_text("Code,Description\nOIL,Argan oil 50ml\n")
    rows = []
    for number in range(1, 301):
        for _ in range(chance.choice((1, 1, 2))):
            amount = Decimal(chance.choice((0, 55, 82, "99.99", 100, "31.23", 239, -50)))
            client = f"C{int(40 * chance.random() ** 2):02d}" if chance.random() < 0.9 else "WALK_IN"
            what = chance.choice(("Women's hair cut", "consultation", "color full COLOR", "ARGAN oil 50ml", ""))
            tax = [str(amount * Decimal(rate)) for rate in ("0.05", "0.08")]
            values = (number, _day(number), what, client, "JJ", 1, amount, *tax)
            rows.append(dict(zip(COLUMNS, map(str, values), strict=True)))
    return _write(folder / "receipt-transactions.csv", [row for row in rows if _is_whole(row["Receipt"], rows)])


def _day(number: int) -> str:
    """Return the day of a receipt: six a day, in May and in June."""
    month, place = divmod(number, 151)
    return f"{5 + month:02d}/{1 + place // 6:02d}/2018"


def _is_whole(number: str, rows: Sequence[dict[str, str]]) -> bool:
    return sum(Decimal(row["Amount"]) for row in rows if row["Receipt"] == number) >= 0


def _write(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path
