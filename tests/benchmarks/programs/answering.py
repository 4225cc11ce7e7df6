"""The other end of `program.py`, for programs of our own: a line of JSON for each line that comes in."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is for answers

LONGEST_LINE = 64 * 1024 * 1024  # bytes


async def answering(answer: Answer) -> None:
    """Say hello, and answer until the other end has gone."""
    lines = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _say({"hello": True})
    while line := await lines.readline():
        try:
            _say(await answer(json.loads(line)))
        except Exception as error:
            _say({"error": f"{type(error).__name__}: {error}"})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
