"""What a till sends at once: items, read one by one and taken together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from services.pos.intake.items import Door, Item
from shared.errors import ContractBroken
from shared.message import Cause

LARGEST_REQUEST = 500


@dataclass(frozen=True)
class Request:
    """Items that came in by one door, and why."""

    door: Door
    items: Sequence[Item]
    cause: Cause

    @property
    def till(self) -> str:
        return self.door.till

    @property
    def branch(self) -> str:
        return self.door.branch


def read_request(body: bytes) -> tuple[str | None, list[Any]]:
    """Return the till that a request names in itself, and its items; raise ContractBroken when it is no request."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise ContractBroken("not JSON") from broken
    items, till = (told.get("items"), told.get("till")) if isinstance(told, dict) else (None, None)
    if not isinstance(items, list) or not isinstance(till, str | None) or set(told) - {"items", "till"}:
        raise ContractBroken("not a request: an object with `items`")
    return till, items
