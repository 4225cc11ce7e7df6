"""Within a version nothing changes that an older or a newer reader could trip over; planted changes are all seen."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, Field, create_model

from branchline.contracts.compatibility import breaches
from contracts.money import Currency, Minor
from shared.message import Event
from tests.contracts.readers import trips


class Kind(StrEnum):
    """What is sold."""

    CUT = "cut"
    COLOUR = "colour"


class RenamedKind(StrEnum):
    """The same, with a value by another name."""

    CUT = "cut"
    DYE = "dye"


class MoreKinds(StrEnum):
    """The same, with a value more."""

    CUT = "cut"
    COLOUR = "colour"
    PERM = "perm"


class TolerantKind(StrEnum):
    """What is sold, with a place for what comes later."""

    CUT = "cut"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, _value: object) -> "TolerantKind":
        return cls.UNKNOWN


class MoreTolerantKinds(StrEnum):
    """The same, with a value more."""

    CUT = "cut"
    PERM = "perm"
    UNKNOWN = "unknown"


class Item(BaseModel):
    """A line."""

    kind: Kind
    net_minor: Minor


class SameItem(Item):
    """A line, by another name."""


class ItemWithStaff(Item):
    """A line that may name somebody."""

    staff: str | None = None


class ItemWithNeededStaff(Item):
    """A line that must name somebody."""

    staff: str


def _whole_units(minor: int) -> int:
    if minor % 100:
        raise ValueError("not a whole unit")
    return minor


FIELDS: dict[str, Any] = {
    "sale_id": UUID,
    "currency": Currency,
    "kind": Kind,
    "net_minor": Minor,
    "till": str,
    "note": (str, ""),
    "staff": (str | None, None),
    "lines": tuple[Item, ...],
}


def event(**changed: Any) -> type[Event]:
    """Return a Sold event with these fields changed; `...` takes a field away."""
    fields = {name: field for name, field in (FIELDS | changed).items() if field is not ...}
    return create_model("Sold", __base__=Event, **fields)


SOLD = event().model_json_schema()

HARMLESS = {
    "an optional field more": event(tip_minor=(Minor, 0)),
    "an optional field that may be null": event(card=(str | None, None)),
    "an optional field more, deep inside": event(lines=tuple[ItemWithStaff, ...]),
    "an optional field that is an object": event(first=(Item | None, None)),
    "another class name inside": event(lines=tuple[SameItem, ...]),
}

HARMFUL = {
    "a field removed": event(till=...),
    "an optional field removed": event(note=...),
    "a field renamed": event(till=..., till_code=str),
    "a new required field": event(shift=str),
    "a new required field, deep inside": event(lines=tuple[ItemWithNeededStaff, ...]),
    "an optional field now required": event(note=str),
    "a required field now optional": event(till=(str, "")),
    "another preset": event(note=(str, "none")),
    "a number narrowed": event(net_minor=Annotated[int, Field(ge=0, le=2**31)]),
    "a number widened": event(net_minor=int),
    "a text narrowed": event(till=Annotated[str, Field(max_length=8)]),
    "a text widened": event(currency=str),
    "a number told as text": event(net_minor=str),
    "a text told as a number": event(till=int),
    "an id told as any text": event(sale_id=str),
    "one thing where many were": event(lines=Item),
    "null where it was never": event(till=str | None),
    "null no more": event(staff=(str, "")),
    "two forms where one was": event(till=str | int),
    "a value of an enum renamed": event(kind=RenamedKind),
    "a value of an enum more": event(kind=MoreKinds),
    "an enum where any text was": event(till=Kind),
    "any text where an enum was": event(kind=str),
}

# What reading one record cannot show: these change what a record means that does not have the field.
UNSEEN_BY_READERS = {"another preset"}


@pytest.mark.parametrize("changed", HARMLESS.values(), ids=HARMLESS)
def test_what_may_be_added_is_let_through(changed: type[Event]) -> None:
    assert breaches(SOLD, changed.model_json_schema()) == []
    assert trips(SOLD, changed) is None


@pytest.mark.parametrize("changed", HARMFUL.values(), ids=HARMFUL)
def test_what_would_trip_a_reader_is_refused(changed: type[Event]) -> None:
    assert breaches(SOLD, changed.model_json_schema())


def test_a_tolerant_enum_may_grow_and_not_shrink() -> None:
    few, more = event(kind=TolerantKind).model_json_schema(), event(kind=MoreTolerantKinds).model_json_schema()
    assert breaches(few, more) == []
    assert trips(few, event(kind=MoreTolerantKinds)) is None
    assert breaches(more, few)
    assert trips(more, event(kind=TolerantKind))


def test_a_keyword_that_nobody_taught_the_check_must_not_change() -> None:
    assert breaches({"type": "string"}, {"type": "string", "contentEncoding": "base64"})


def test_a_rule_that_no_schema_shows_is_found_by_reading_records() -> None:
    changed = event(net_minor=Annotated[Minor, AfterValidator(_whole_units)])
    assert breaches(SOLD, changed.model_json_schema()) == []
    assert trips(SOLD, changed)


@pytest.mark.parametrize("name", sorted(HARMFUL.keys() - UNSEEN_BY_READERS))
def test_readers_trip_over_the_same_changes(name: str) -> None:
    assert trips(SOLD, HARMFUL[name])
