"""`branchline rebase SERVICE`: bring a store that went back into line with what was heard of it; say what was lost."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import asyncpg

from branchline import catalogue
from branchline.failure import CommandFailed
from branchline.settings import settings
from shared.errors import Unavailable
from shared.rebase import Lost, Rebased, rebase
from shared.running import CannotRun


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("rebase", help="bring a store that went back into line with what was heard of it")
    parser.add_argument("service", choices=catalogue.names())
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Rebase, and print what was lost and who had applied it."""
    service = catalogue.service(arguments.service)
    if not service.all_aggregates:
        raise CommandFailed(f"{service.name} keeps no events of its own: it only hears others, and needs no rebase")
    try:
        done = asyncio.run(rebase(settings(), service.name, speaks=bool(service.says)))
    except (CannotRun, Unavailable) as sentence:
        raise CommandFailed(str(sentence)) from None
    except (OSError, asyncpg.PostgresError) as cause:
        raise CommandFailed(f"Postgres does not do it: {type(cause).__name__}: {cause}") from cause
    for line in report(service.name, done):
        print(line)
    return 0


def report(service: str, done: Rebased | None) -> Iterator[str]:
    """Give the lines for the operator."""
    if done is None:
        yield f"{service}: its store says all that was heard of it; nothing was changed"
        return
    yield f"{service}: cut at {done.cut} of {done.head}, epoch {done.epoch}, {done.numbered} events numbered anew"
    for is_in_store, what in ((False, "gone"), (True, "in the store, told again")):
        chosen = [one for one in done.lost if one.is_in_store is is_in_store]
        yield f"{what}: {len(chosen)}"
        yield from map(_line, chosen)
    if done.spoiled:
        yield f"start again, to build views anew: {', '.join(done.spoiled)}"


def _line(lost: Lost) -> str:
    kind = lost.arrival.headers.get("ce_type", b"").decode(errors="replace")
    place = f"  {lost.event_id} {kind} of {lost.arrival.recorded_at:%Y-%m-%d %H:%M:%S}"
    applied = f", applied by {', '.join(lost.applied_by)}" if lost.applied_by else ", applied by nobody"
    return place + applied + (f", waits at {', '.join(lost.waits_at)}" if lost.waits_at else "")
