"""The listings beside a salon's export: which item a description names. Pure but for `read_listings`."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SERVICES = "service-listing.csv"
PRODUCTS = "product-listing-retail.csv"


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of the listings. `known` is false for one that no listing names; it is taken for a service."""

    code: str
    kind: str
    known: bool = True


class Listings:
    """Items by description, whatever its case and blanks. Where both listings have it, it is the product."""

    def __init__(self, services: Iterable[Mapping[str, str]], products: Iterable[Mapping[str, str]]) -> None:
        self._items = {_plain(row["Desc"]): Listed(row["Code"].strip(), "service") for row in services}
        self._items |= {_plain(row["Description"]): Listed(row["Code"].strip(), "product") for row in products}

    def item(self, description: str) -> Listed:
        """Return the item that a description names."""
        return self._items.get(_plain(description)) or Listed(description or "?", "service", known=False)


def read_listings(folder: Path) -> Listings:
    """Return the listings of a folder; one that is not there lists nothing."""
    return Listings(_rows(folder / SERVICES), _rows(folder / PRODUCTS))


def _plain(description: str) -> str:
    return " ".join(description.split()).casefold()


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(file)]
