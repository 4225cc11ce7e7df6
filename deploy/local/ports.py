"""Ports: which are free on 127.0.0.1, and where a server listens."""

import random
import socket

# Below what systems give to outgoing connections, which could take a port while its server is away.
CHOICE = range(20000, 24000)


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(host: str, port: int) -> bool:
    """Return whether a server takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """Return a port that nobody listens on."""
    return next(port for port in random.sample(CHOICE, len(CHOICE)) if is_free(port))
