"""The AsyncAPI 3.0 document of all topics: who sends and receives what, with which headers. Pure."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from branchline.contracts.told import Told

Document = dict[str, Any]
Listeners = Mapping[str, Sequence[str]]  # an event's subject -> the services that hear it

_POSITION = r"\d+:\d+"
_HEADERS: Document = {
    "type": "object",
    "required": [f"ce_{name}" for name in ("specversion", "id", "source", "time", "correlationid", "causationid")]
    + ["feed"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "Stream and version: the same however often it is told."},
        "ce_source": {"type": "string", "pattern": "^/branchline/[^/]+/[^/]+$"},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it happened at the branch."},
        "ce_correlationid": {"type": "string", "description": "Ties together all that one request led to."},
        "ce_causationid": {"type": "string", "description": "What this came of."},
        "traceparent": {"type": "string", "description": "W3C trace context, where the request was sampled."},
        "feed": {
            "type": "string",
            "pattern": f"^{_POSITION}:{_POSITION}$",
            "description": "Epoch and number in the speaker's feed, then those of the one before in this partition.",
        },
    },
}
_BEAT: Document = {
    "name": "beat",
    "summary": "Names the partition's last position now and then, so that a lost tail shows; no key and no body.",
    "headers": {
        "type": "object",
        "required": ["beat", "ce_id", "ce_source"],
        "properties": {
            "beat": {
                "type": "string",
                "pattern": f"^{_POSITION}$",
                "description": "Epoch and number of the last event; 0:0 where there is none.",
            },
            "epoch": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "The epoch in which the speaker gives numbers now.",
            },
            "ce_id": {"type": "string", "description": "The last event's id."},
            "ce_source": _HEADERS["properties"]["ce_source"],
        },
    },
    "payload": {"type": "null"},
}


def document(told: Sequence[Told], listeners: Listeners) -> Document:
    """Return the document; payloads are the schema files beside it."""
    speakers = {speaker: list(events) for speaker, events in groupby(told, key=lambda one: one.speaker)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Branchline",
            "version": "1",
            "description": "What the services of a salon chain tell each other: CloudEvents 1.0 in binary mode.",
        },
        "defaultContentType": "application/json",
        "channels": {f"{speaker}.events": _channel(speaker, events) for speaker, events in speakers.items()},
        "operations": _operations(speakers, listeners),
        "components": {
            "messages": {one.subject: _message(one) for one in told} | {"beat": _BEAT},
            "schemas": {"headers": _HEADERS},
        },
    }


def _channel(speaker: str, events: Sequence[Told]) -> Document:
    messages = {one.stem: {"$ref": f"#/components/messages/{one.subject}"} for one in events}
    return {
        "address": f"{{cell}}.{speaker}.events",
        "parameters": {"cell": {"description": "One deployment for one chain.", "default": "local"}},
        "messages": messages | {"beat": {"$ref": "#/components/messages/beat"}},
        "bindings": {"kafka": {"topicConfiguration": {"cleanup.policy": ["delete"]}, "bindingVersion": "0.5.0"}},
    }


def _message(one: Told) -> Document:
    return {
        "name": one.type,
        "title": one.event.__name__,
        "summary": one.sentence,
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/headers"},
                {"type": "object", "required": ["ce_type"], "properties": {"ce_type": {"const": one.type}}},
            ]
        },
        "payload": {"$ref": f"./{one.speaker}/{one.stem}.json"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
    }


def _operations(speakers: Mapping[str, Sequence[Told]], listeners: Listeners) -> Document:
    operations = {}
    for speaker, events in speakers.items():
        operations[f"{speaker}.tells"] = _operation("send", speaker, [*(one.stem for one in events), "beat"])
        for listener in sorted({name for one in events for name in listeners.get(one.subject, ())}):
            heard = [one.stem for one in events if listener in listeners.get(one.subject, ())]
            operations[f"{listener}.hears.{speaker}"] = _operation("receive", speaker, [*heard, "beat"])
    return operations


def _operation(action: str, speaker: str, stems: Sequence[str]) -> Document:
    channel = f"#/channels/{speaker}.events"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{stem}"} for stem in stems],
    }
