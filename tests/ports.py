"""Ports for the services of a test, which no other test of this machine gets meanwhile."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local.ports import CHOICE, is_free
from shared.settings import PORTS

# Above what `free_port` chooses from, below what systems give to outgoing connections.
BASES = range(CHOICE.stop, 32000, 200)


@contextmanager
def held_base() -> Iterator[int]:
    """Yield a number from which all services' ports are free; that port itself, which no service uses, is held."""
    for base in random.sample(BASES, len(BASES)):
        with socket.socket() as held:
            try:
                held.bind(("127.0.0.1", base))
            except OSError:
                continue
            if all(is_free(base + offset) for offset in PORTS.values()):
                yield base
                return
    raise OSError("no free ports for a test's services")
