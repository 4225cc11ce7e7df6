"""Run a service until SIGTERM or SIGINT; its parts start in order and stop in reverse, each finishing what it began."""

import asyncio
from argparse import ArgumentTypeError, Namespace
from typing import Any

import uvloop

from branchline import catalogue
from branchline.failure import CommandFailed
from branchline.settings import settings
from shared import telemetry
from shared.parts import NAMES
from shared.parts import run as run_parts
from shared.running import CannotRun


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("serve", help="run a service until it is told to stop")
    parser.set_defaults(run=run)
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument(
        "--from", dest="start_from", choices=("beginning", "now"), help="where a consumer that has no place yet begins"
    )
    parser.add_argument(
        "--parts", type=_parts, default=NAMES, metavar="PART,...", help=f"only these of {','.join(NAMES)}"
    )


def run(arguments: Namespace) -> int:
    """Run the service."""
    chosen = settings()
    service = catalogue.service(arguments.service)
    telemetry.configure(service.name, chosen.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_parts(service, chosen, parts=arguments.parts, start_from=arguments.start_from))
    except CannotRun as sentence:
        raise CommandFailed(str(sentence)) from None
    except FileNotFoundError as missing:
        raise CommandFailed(f"the key {missing.filename} is not there") from None
    return 0


def _parts(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    unknown = set(chosen) - set(NAMES)
    if unknown:
        raise ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}")
    return chosen
