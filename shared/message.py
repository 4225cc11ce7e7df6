"""Commands, events and the envelope an event travels in. Pure; instants are aware UTC."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.errors import ContractBroken


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Position(NamedTuple):
    """A place in a service's feed; positions are ordered, epoch first. (0, 0) is before everything."""

    epoch: int
    number: int


BEGINNING = Position(0, 0)


class Message(BaseModel):
    """What a command and an event have in common: they never change, and they happen at an instant."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: Instant

    def to_json(self) -> str:
        """Return it as JSON, in two thirds of pydantic's own time."""
        return self.__pydantic_serializer__.to_json(self).decode()


class Command(Message):
    """An order. `at` is when it was given, or when the news that led to it happened."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Message):
    """News. `at` is when it happened at the branch. A new form of an event is a new class, named with V2, V3 …"""

    name: ClassVar[str]
    version: ClassVar[int]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        stem, version = re.fullmatch(r"(.+?)(?:V(\d+))?", cls.__name__).groups()  # type: ignore[union-attr]
        cls.name, cls.version = stem, int(version or 1)

    @classmethod
    def is_public(cls) -> bool:
        """Return whether other services may hear it: whether its class lives in `contracts`."""
        return cls.__module__.split(".")[0] == "contracts"


class Cause(NamedTuple):
    """Why something happened: ids that tie a command to what led to it, and the W3C trace it belongs to."""

    correlation: str
    causation: str
    traceparent: str | None = None
    actor: str | None = None


class Issued(NamedTuple):
    """A command on its way to be handled, with its cause."""

    command: Command
    cause: Cause


class Envelope(NamedTuple):
    """A recorded event. `position` is known once the sequencer has numbered it; `key` is the partition key."""

    category: str
    stream_id: UUID
    version: int
    key: UUID
    event: Event
    cause: Cause
    recorded_at: datetime | None = None
    position: Position | None = None

    @property
    def id(self) -> str:
        """Return `<category>-<uuid>/<version>`: the same for ever, wherever the event is told again."""
        return f"{self.category}-{self.stream_id}/{self.version}"


class Vocabulary:
    """The event types that somebody can read, by name and version."""

    def __init__(self, types: Iterable[type[Event]]) -> None:
        self._types = {(t.name, t.version): t for t in types}

    def knows(self, name: str, version: int) -> bool:
        """Return whether this type can be read; what is not known is passed over, not an error."""
        return (name, version) in self._types

    def read(self, name: str, version: int, data: bytes | str) -> Event:
        """Return the event; raise ContractBroken when `data` is not one of its type."""
        try:
            return self._types[name, version].model_validate_json(data)
        except ValidationError as broken:
            raise ContractBroken(
                f"{name}.v{version}: {broken.errors(include_input=False, include_url=False)}"
            ) from broken
