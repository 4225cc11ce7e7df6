"""Fetches what peers need, each into a folder of its own in `.local/peers`; one that does not come is told of."""

from importlib import import_module
from typing import Protocol, cast

from deploy.local.faults import Failed

PEERS = ("wheels", "npm", "debezium", "kafka_streams")


class Peer(Protocol):
    """What a peer's module has."""

    NAME: str

    def missing(self) -> str:
        """Return why it cannot run here, in a sentence; nothing when it can."""

    def fetch(self) -> None:
        """Put what it needs into its folder; raise Failed when that does not come."""


def peer(name: str) -> Peer:
    """Return the module of a peer."""
    return cast(Peer, import_module(f"tests.benchmarks.peers.{name}"))


def all_peers(names: tuple[str, ...] = PEERS) -> list[str]:
    """Fetch them; return a line for each that did not come."""
    lines = []
    for name in names:
        try:
            peer(name).fetch()
        except (Failed, OSError, ImportError) as fault:
            lines.append(f"the peer {name} does not take part: {fault}")
    return lines
