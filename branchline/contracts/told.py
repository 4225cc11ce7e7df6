"""The events of `contracts/` by speaker, and the JSON Schema of each. Pure."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

import contracts
from shared.message import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "examples"})

Schema = dict[str, Any]


class _Untitled(GenerateJsonSchema):
    """A title made from a field's own name tells nobody anything."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


@dataclass(frozen=True)
class Told:
    """An event type, and the service that tells it."""

    speaker: str
    event: type[Event]

    @property
    def stem(self) -> str:
        """Return the name with the version, as files and message lists write it."""
        return f"{self.event.name}.v{self.event.version}"

    @property
    def subject(self) -> str:
        """Return the stem behind its speaker: unique in the chain."""
        return f"{self.speaker}.{self.stem}"

    @property
    def type(self) -> str:
        """Return the CloudEvents type."""
        return f"branchline.{self.subject}"

    @property
    def sentence(self) -> str:
        """Return the docstring's first sentence."""
        words = " ".join((self.event.__doc__ or "").split())
        return re.split(r"(?<=\.)\s", words, maxsplit=1)[0]

    def schema(self) -> Schema:
        """Return what a reader may find; a field with a preset is not required, for old records lack it."""
        body = self.event.model_json_schema(mode="validation", schema_generator=_Untitled)
        return {"$schema": DIALECT, "$id": f"urn:{self.type.replace('.', ':')}"} | body


def speaker_of(module: str) -> str:
    """Return a service's name from its module's: Python cannot spell `loyalty-points`."""
    return module.replace("_", "-")


def module_of(speaker: str) -> str:
    """Return the name of a service's modules."""
    return speaker.replace("-", "_")


def spoken() -> Iterator[Told]:
    """Yield every event of `contracts/`, speakers by name, events as their module lists them."""
    for module in speakers():
        for event in getattr(module, "EVENTS", ()):
            yield Told(speaker_of(module.__name__.removeprefix("contracts.")), event)


def speakers() -> list[ModuleType]:
    """Return the modules and packages of `contracts/`, by name: each is a speaker's."""
    found = sorted(module.name for module in pkgutil.iter_modules(contracts.__path__))
    return [importlib.import_module(f"contracts.{name}") for name in found]


def unlisted(modules: Iterable[ModuleType]) -> list[str]:
    """Return the events that a speaker's module defines, or one of its package, and its EVENTS leaves out."""
    return sorted(
        f"{part.__name__} has {event.__name__}, which its EVENTS leaves out"
        for module in modules
        for part in _parts(module)
        for event in events_in(part) - set(getattr(module, "EVENTS", ()))
        if event.__module__ == part.__name__
    )


def _parts(module: ModuleType) -> list[ModuleType]:
    inner = sorted(part.name for part in pkgutil.iter_modules(getattr(module, "__path__", ())))
    return [module, *(importlib.import_module(f"{module.__name__}.{name}") for name in inner)]


def events_in(module: object) -> set[type[Event]]:
    """Return the events that a module defines or imports."""
    return {it for it in vars(module).values() if isinstance(it, type) and issubclass(it, Event) and it is not Event}


def shape(schema: Any) -> Any:
    """Return the schema without what only people read."""
    if isinstance(schema, list):
        return [shape(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    named = {"properties", "$defs"}  # their keys are names, not keywords
    return {
        word: {name: shape(part) for name, part in value.items()} if word in named else shape(value)
        for word, value in schema.items()
        if word not in ANNOTATIONS
    }
