"""Another's CloudEvents library reads our records, and the AsyncAPI document describes the headers they have."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from jsonschema import Draft202012Validator

from branchline.contracts.command import FOLDER
from branchline.contracts.examples import golden
from branchline.contracts.told import Told, spoken
from shared.channel import Beat
from shared.cloudevent import Outgoing, beat, outgoing, source_of
from shared.message import Position

TOLD = tuple(spoken())
STREAM = UUID("7a4ae2d1-0000-4000-8000-000000000001")
CUSTOMER = UUID("7a4ae2d1-0000-4000-8000-000000000002")
HAPPENED = datetime(2026, 11, 22, 15, 0, 0, 250_000, UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DOCUMENT: dict[str, Any] = json.loads((FOLDER / "schemas/asyncapi.json").read_text())


def record(one: Told, **meta: str) -> Outgoing:
    """Return the Kafka record of an event, made from a row of the feed."""
    row = {
        "epoch": 1,
        "number": 12,
        "prev_epoch": 1,
        "prev_number": 7,
        "part": 0,
        "type": one.event.name,
        "shape": one.event.version,
        "occurred_at": HAPPENED,
        "meta": json.dumps({"correlation": "c-1", "causation": "sale-x/2"} | meta),
        "id": f"sale-{STREAM}/3".encode(),
        "at": int(HAPPENED.timestamp() * 1000),
        "key": str(CUSTOMER).encode(),
        "data": json.dumps(golden(one.schema())[-1]).encode(),
    }
    return outgoing(row.values(), one.speaker, source_of("local", one.speaker))


def headers_of(sent: Outgoing) -> dict[str, str]:
    """Return the headers as text; none is there twice."""
    assert len(dict(sent.headers)) == len(sent.headers)
    return {name: value.decode() for name, value in sent.headers}


def described(name: str) -> dict[str, Any]:
    """Return the schema of a message's headers, with what it refers to put in place."""

    def within(schema: Any) -> Any:
        if isinstance(schema, Mapping) and "$ref" in schema:
            return within(reduce(lambda node, step: node[step], schema["$ref"][2:].split("/"), DOCUMENT))
        if isinstance(schema, Mapping):
            return {word: within(part) for word, part in schema.items()}
        return [within(part) for part in schema] if isinstance(schema, list) else schema

    found: dict[str, Any] = within(DOCUMENT["components"]["messages"][name]["headers"])
    return found


@pytest.mark.parametrize("one", TOLD, ids=lambda one: one.subject)
def test_the_library_reads_every_event(one: Told) -> None:
    sent = record(one, traceparent=TRACE)
    read = from_binary_event(KafkaMessage(headers=dict(sent.headers), key=sent.key, value=sent.value))
    assert read.get_specversion() == "1.0"
    assert read.get_id() == f"sale-{STREAM}/3"
    assert read.get_source() == f"/branchline/local/{one.speaker}"
    assert read.get_type() == one.type
    assert read.get_time() == HAPPENED
    assert read.get_extension("correlationid") == "c-1"
    assert read.get_extension("causationid") == "sale-x/2"
    assert read.get_extension("partitionkey") == str(CUSTOMER)
    assert read.get_data() == json.loads(sent.value)


@pytest.mark.parametrize("one", TOLD, ids=lambda one: one.subject)
def test_the_document_describes_the_headers(one: Told) -> None:
    headers = headers_of(record(one, traceparent=TRACE))
    schema = described(one.subject)
    Draft202012Validator(schema).validate(headers)
    known = {name for part in schema["allOf"] for name in part["properties"]}
    assert headers.keys() == known


def test_a_request_that_was_not_sampled_has_no_trace() -> None:
    assert "traceparent" not in headers_of(record(TOLD[0]))


def test_attribute_names_are_short_and_plain() -> None:
    for name in headers_of(record(TOLD[0], traceparent=TRACE)):
        assert re.fullmatch(r"(ce_)?[a-z0-9]{1,20}", name)


def test_the_document_describes_the_beat() -> None:
    sent = beat(Beat(Position(1, 12), 2), f"sale-{STREAM}/3", source_of("local", "pos"), 0)
    schema = described("beat")
    Draft202012Validator(schema).validate(headers_of(sent))
    assert headers_of(sent).keys() == schema["properties"].keys()


def test_every_payload_and_message_the_document_names_is_there() -> None:
    for message in DOCUMENT["components"]["messages"].values():
        if "$ref" in message["payload"]:
            assert (FOLDER / "schemas" / message["payload"]["$ref"]).is_file()
    for operation in DOCUMENT["operations"].values():
        channel = DOCUMENT["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        assert {message["$ref"].rpartition("/")[2] for message in operation["messages"]} <= channel["messages"].keys()
