"""The errors that have a name; anything else that is raised is a bug."""

from collections.abc import Mapping
from typing import Any


class Rejected(Exception):
    """A rule refuses a command; the code is for machines, the facts explain it. Raised by `decide`, and for an id
    that another kind of stream has."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts: Mapping[str, Any] = facts


class Missing(Exception):
    """A query names a thing that is not there."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts: Mapping[str, Any] = facts


class Conflict(Exception):
    """A stream moved, or a natural key was taken, between load and append; the whole act may be tried again."""


class ContractBroken(Exception):
    """A message cannot be read as any version of its type."""


class Unavailable(Exception):
    """Another party (Postgres, Kafka, a peer) does not answer; nothing was done, the same call may succeed later."""
