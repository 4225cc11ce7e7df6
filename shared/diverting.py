"""What becomes of fresh arrivals while keys are parked: applied, or kept behind what their key waits for. Pure."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

WAITS = "waits for its key"


class Keyed(Protocol):
    """Something that came in, of some key."""

    @property
    def key(self) -> str:
        """Return the key within which order holds."""


Item = TypeVar("Item", bound=Keyed)
Read = TypeVar("Read")


@dataclass
class Diverted(Generic[Item, Read]):
    """What to apply, letters to keep with reasons, and keys to park with causes."""

    events: list[Read] = field(default_factory=list)
    letters: list[tuple[Item, str]] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)


def divert(fresh: Sequence[Item], parked: Collection[str], read: Callable[[Item], Read | None]) -> Diverted[Item, Read]:
    """Sort arrivals, in their order. One that cannot be read parks its key; one that reads as None is passed over."""
    found: Diverted[Item, Read] = Diverted()
    for arrival in fresh:
        if arrival.key in parked or arrival.key in found.causes:
            found.letters.append((arrival, WAITS))
            continue
        try:
            event = read(arrival)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            found.letters.append((arrival, told))
            found.causes[arrival.key] = told
        else:
            if event is not None:
                found.events.append(event)
    return found
