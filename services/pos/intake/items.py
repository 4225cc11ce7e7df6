"""A till's items as they came: each read on its own, so that a bad one holds up no other. Pure."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from contracts.money import LARGEST
from contracts.pos import sale_id, spending_id
from services.pos.intake.said import ITEMS, AnyItem, PointsItem, RefundItem, SaleItem, people_of
from shared.errors import ContractBroken

AHEAD = timedelta(hours=26)  # a clock may be in any zone, and wrong by two hours

_CODES = {
    "union_tag_invalid": "type-unknown",
    "time-without-zone": "time-without-zone",
    "time-out-of-range": "time-out-of-range",
    "phone-invalid": "phone-invalid",
}
_TOLD_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a till: what was `said`, or the `code` of why it cannot be taken.

    `text` is what was sent, without its number where that could be used, and `hash` tells texts apart.
    """

    till: str
    seq: int | None
    text: str
    hash: bytes
    said: AnyItem | None = None
    code: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    sale: UUID | None = None  # of the receipt that a sale or a refund names
    spending: UUID | None = None  # of the receipt that points were spent on

    def refused(self, code: str, facts: Mapping[str, Any] | None = None) -> "Item":
        """Return the item as one that cannot be taken."""
        return replace(self, said=None, code=code, facts=facts or {})

    @property
    def receipt(self) -> UUID | None:
        """Return the sale, or the spending of points, that the item would make: a receipt makes one of each."""
        return self.sale if isinstance(self.said, SaleItem) else self.spending


@dataclass(frozen=True, slots=True)
class Door:
    """Where items come in: the till, its branch, and how they came. `now` is when."""

    till: str
    branch: str
    key: bytes
    now: datetime
    by_kafka: bool = False


def read_items(door: Door, told: Sequence[Any]) -> list[Item]:
    """Return an item for each that was sent; raise ContractBroken where one is nested too deep to be kept."""
    try:
        return [_read(door, one) for one in told]
    except TypeError as broken:  # orjson reads deeper than it writes
        raise ContractBroken("nested too deep") from broken


def digest(key: bytes, text: bytes) -> bytes:
    """Return the keyed hash by which texts are compared without being kept."""
    return hmac.digest(key, text, "sha256")


def _read(door: Door, told: Any) -> Item:
    seq = told.get("seq") if isinstance(told, dict) else None
    if type(seq) is not int or not 1 <= seq <= LARGEST:
        text = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        facts = {"errors": [{"at": "seq", "why": "not a number from 1 on"}]}
        return Item(door.till, None, text.decode(), digest(door.key, text), code="malformed", facts=facts)
    text = orjson.dumps({name: told[name] for name in told if name != "seq"}, option=orjson.OPT_SORT_KEYS)
    item = Item(door.till, seq, text.decode(), digest(door.key, text))
    try:
        said = ITEMS.validate_json(text)
    except ValidationError as broken:
        return item.refused(*_why(broken))
    if code := _refused(door, said):
        return item.refused(code)
    spending = spending_id(door.branch, door.till, said.data.receipt) if isinstance(said, PointsItem) else None
    return replace(item, said=said, sale=_sale(door, said), spending=spending)


def _refused(door: Door, said: AnyItem) -> str | None:
    if said.occurred_at > door.now + AHEAD:
        return "time-in-the-future"
    if door.by_kafka and any(person.phone is not None for person in people_of(said)):
        return "phone-on-kafka"
    return None


def _sale(door: Door, said: AnyItem) -> UUID | None:
    match said:
        case SaleItem(data=sale):
            return sale_id(door.branch, door.till, sale.receipt)
        case RefundItem(data=refund):
            return sale_id(door.branch, refund.till or door.till, refund.receipt)
        case _:
            return None


def _why(broken: ValidationError) -> tuple[str, Mapping[str, Any]]:
    """Return the code, and where the item is wrong: never what was sent, not even the name of an unknown field."""
    errors = broken.errors(include_url=False, include_context=False, include_input=False)
    for error in errors:
        if error["type"] in _CODES:
            return _CODES[error["type"]], {}
    places = []
    for error in errors[:_TOLD_ERRORS]:
        place = error["loc"][:-1] if error["type"] == "extra_forbidden" else error["loc"]
        places.append({"at": ".".join(str(part) for part in place), "why": error["type"]})
    return "malformed", {"errors": places}
