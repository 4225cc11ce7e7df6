"""`python -m tests.faults.altered ALTERATION serve SERVICE ...`: a service as another deploy of it might be.

The alterations are no bugs of the kernel: handlers with a bug of their own, and views whose text has changed.
"""

import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from branchline.command import main
from shared.message import Command, Event
from shared.service import Hearing, Service
from shared.settings import Settings

ONE_IN = 10
MOST_BROKEN = 2  # more, and the consumer halts as it should


def poisoned(service: Service) -> Service:
    """Let every handler raise at one event in ONE_IN, and whenever it meets that event again."""
    return replace(service, hears=tuple(_poisoned(hearing) for hearing in service.hears))


def reworded(service: Service) -> Service:
    """Let the text of the views have another comment."""
    assert service.views
    text = Settings.read().keys.with_name(f"{service.name}.views.sql")
    text.write_text(f"{service.views.sql.read_text()}-- another deploy\n")
    return replace(service, views=replace(service.views, sql=text))


def _poisoned(hearing: Hearing) -> Hearing:
    broken: set[int] = set()

    def react(event: Event) -> Sequence[Command]:
        told = zlib.crc32(event.model_dump_json().encode())
        if told in broken or (told % ONE_IN == 0 and len(broken) < MOST_BROKEN):
            broken.add(told)
            raise RuntimeError("a bug of this deploy")
        return hearing.react(event)

    return replace(hearing, react=react)


ALTERATIONS: dict[str, Callable[[Service], Service]] = {"poisoned": poisoned, "reworded": reworded}


def alter(alteration: str, name: str) -> None:
    """Put the altered service in the place of the one that the command finds."""
    module: Any = import_module(f"services.{name.replace('-', '_')}.app")
    module.app = ALTERATIONS[alteration](module.app)


if __name__ == "__main__":
    alter(sys.argv[1], sys.argv[3])
    sys.exit(main(sys.argv[2:]))
