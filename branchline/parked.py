"""`branchline parked` and `branchline redrive SERVICE`: what waits for an operator at the services' consumers."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from branchline.catalogue import names
from branchline.office import OPERATORS_PATIENCE, Refused, open_office
from branchline.settings import settings
from shared.errors import Unavailable


def register(subparsers: Any) -> None:
    """Add the commands."""
    parked = subparsers.add_parser("parked", help="list the keys that wait for an operator, and why")
    parked.add_argument("service", nargs="?", choices=names(), help="only this one")
    parked.set_defaults(run=run_parked)
    redrive = subparsers.add_parser("redrive", help="apply what is parked at a service again, in order")
    redrive.add_argument("service", choices=names())
    redrive.add_argument("--consumer", help="only this consumer's")
    redrive.add_argument("--topic", help="only what came by this topic")
    redrive.add_argument("--key", help="only this key")
    redrive.set_defaults(run=run_redrive)


def run_parked(arguments: argparse.Namespace) -> int:
    """Print what is parked: 0 nothing, 1 something, 2 a service did not answer."""
    return _answered(_parked([arguments.service] if arguments.service else names()))


def run_redrive(arguments: argparse.Namespace) -> int:
    """Redrive and print what became of each key: 0 nothing is left, 1 something stays parked, 2 no answer."""
    return _answered(_redrive(arguments.service, arguments))


def _answered(asking: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(asking)
    except (Refused, Unavailable) as wrong:
        print(wrong, file=sys.stderr)
        return 2


async def _parked(services: Sequence[str]) -> int:
    found = 0
    async with open_office(settings(), patience=OPERATORS_PATIENCE) as office:
        for service in services:
            for key in await office.ask(service, "GET", "/v1/parked"):
                found += 1
                print(_line(service, key))
    if not found:
        print("nothing is parked")
    return 1 if found else 0


def _line(service: str, key: Mapping[str, Any]) -> str:
    place = f"{service} --consumer {key['consumer']} --topic {key['topic']} --key {key['key']}"
    return f"{place}: {key['waiting']} waiting since {key['since']}: {key['cause']}"


async def _redrive(service: str, asked: argparse.Namespace) -> int:
    stays = 0
    async with open_office(settings(), patience=OPERATORS_PATIENCE) as office:
        places = _places(await office.ask(service, "GET", "/v1/parked"), asked)
        for consumer, topic in places:
            body = {"consumer": consumer, "topic": topic, "key": asked.key}
            for key in (await office.ask(service, "POST", "/v1/parked/redrive", body))["keys"]:
                stays += key["error"] is not None
                print(f"{key['key']}: {key['applied']} applied" + (f", then: {key['error']}" if key["error"] else ""))
    if not places:
        print("nothing is parked there")
    return 1 if stays else 0


def _places(parked: Iterable[Mapping[str, Any]], asked: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the consumers and topics that have something parked and are meant."""
    return sorted(
        {
            (key["consumer"], key["topic"])
            for key in parked
            if asked.consumer in (None, key["consumer"])
            and asked.topic in (None, key["topic"])
            and asked.key in (None, key["key"])
        }
    )
