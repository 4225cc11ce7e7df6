"""Failpoints: named places in the code where a test kills, stops, delays or fails the process. Delays are seconds.

`BRANCHLINE_FAILPOINT=relay.sent:kill@3` kills it at the third time that the place is reached; without `@3` it acts each
time, and commas part several. Without the variable `reached` is an empty function. A name is declared where it stands,
by `await reached("a.name")`, and nowhere else.
"""

import ast
import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

VARIABLE = "BRANCHLINE_FAILPOINT"
ROOT = Path(__file__).parents[1]
FOLDERS = ("shared", "services")
DELAY = 2.0


class Injected(Exception):
    """A fault that a failpoint was told to raise: to the code around it, a bug."""


@dataclass(frozen=True)
class _Order:
    action: str
    time: int | None


async def _goes_on(name: str, /) -> None:
    pass


def places() -> dict[str, str]:
    """Return every failpoint of the code with its place, `file:line`; raise ValueError for a name that stands twice."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, line in _declared(path):
                place = f"{path.relative_to(ROOT)}:{line}"
                if name in found:
                    raise ValueError(f"the failpoint {name} stands at {found[name]} and at {place}")
                found[name] = place
    return found


def armed(text: str) -> Callable[[str], Awaitable[None]]:
    """Return the function that does as the variable's text says; raise ValueError where it names no failpoint."""
    orders = dict(_read(order) for order in text.split(","))
    if unknown := orders.keys() - places().keys():
        raise ValueError(f"{VARIABLE}: there is no failpoint {', '.join(sorted(unknown))}")
    times: Counter[str] = Counter()

    async def reach(name: str, /) -> None:
        times[name] += 1
        order = orders.get(name)
        if order and order.time in (None, times[name]):
            await ACTIONS[order.action](name)

    return reach


def _declared(path: Path) -> Iterator[tuple[str, int]]:
    text = path.read_text()
    if "reached(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name("reached"), args=[ast.Constant(str(name))]):
                yield name, node.lineno


def _read(order: str) -> tuple[str, _Order]:
    name, _, told = order.strip().partition(":")
    action, _, time = told.partition("@")
    if action not in ACTIONS or not (time or "1").isdigit():
        raise ValueError(f"{VARIABLE}: {order} is no NAME:{'|'.join(ACTIONS)}@TIME")
    return name, _Order(action, int(time) if time else None)


async def _signal(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


async def _linger(name: str) -> None:
    structlog.get_logger().info("a failpoint lingers", at=name, seconds=DELAY)
    await asyncio.sleep(DELAY)


async def _fail(name: str) -> None:
    raise Injected(name)


ACTIONS: dict[str, Callable[[str], Awaitable[None]]] = {
    "kill": lambda _: _signal(signal.SIGKILL),
    "stop": lambda _: _signal(signal.SIGSTOP),
    "delay": _linger,
    "raise": _fail,
}

reached = armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _goes_on
