"""An older and a newer reader of an event, and records between them, made by hypothesis."""

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator

from branchline.contracts.compatibility import TOLERANT
from branchline.contracts.told import Schema
from shared.message import Event
from tests.contracts.instances import records

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def reads(event: type[Event], record: Any) -> None:
    """Read the record as the event; raise when it cannot be, or when something that it said is lost or changed."""
    read = event.model_validate_json(json.dumps(record))
    assert read.model_dump(mode="json", exclude_unset=True) == record


def as_read(schema: Any) -> Any:
    """Return the schema as its reader takes it: an enum with a place for what comes later takes any text."""
    match schema:
        case {"enum": [*values]} if TOLERANT in values:
            return {word: as_read(inner) for word, inner in schema.items() if word != "enum"}
        case dict():
            return {word: as_read(inner) for word, inner in schema.items()}
        case list():
            return [as_read(inner) for inner in schema]
    return schema


def trips(old: Schema, new: type[Event]) -> str | None:
    """Return how a reader of one form stumbles over a record of the other, or None when neither does."""
    validator = Draft202012Validator(as_read(old), format_checker=Draft202012Validator.FORMAT_CHECKER)

    @EXAMPLES
    @given(records(old))
    def newer_reads_older(record: Any) -> None:
        reads(new, record)

    @EXAMPLES
    @given(records(new.model_json_schema()))
    def older_reads_newer(record: Any) -> None:
        reads(new, record)
        validator.validate(record)

    for reading in (newer_reads_older, older_reads_newer):
        try:
            reading()
        except Exception as stumble:
            return f"{reading.__name__}: {stumble}"
    return None
