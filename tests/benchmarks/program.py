"""A program of another make that takes part: it answers each line of JSON with one. Its complaints go to a log."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_LINE = 64 * 1024 * 1024  # bytes
ANSWERS_WITHIN = 180.0  # seconds
ENDS_WITHIN = 10.0


class Failed(Exception):
    """The program ended, or answered with an error; the message has its last words."""


@dataclass
class Program:
    """A program at work. `hello` is its first line."""

    process: asyncio.subprocess.Process
    log: Path
    hello: dict[str, Any]

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self.process.pid

    async def ask(self, **request: Any) -> dict[str, Any]:
        """Return its answer; raise Failed."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        answer = await _line(self.process, self.log)
        if "error" in answer:
            raise Failed(str(answer["error"]))
        return answer


@asynccontextmanager
async def program(
    command: Sequence[str | Path], log: Path, *, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> AsyncIterator[Program]:
    """Yield the program once it has said its first line, and end it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as complaints:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=complaints,
            env=os.environ | (environment or {}),
            cwd=cwd,
            limit=LONGEST_LINE,
        )
    try:
        yield Program(process, log, await _line(process, log))
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), ENDS_WITHIN)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _line(process: asyncio.subprocess.Process, log: Path) -> dict[str, Any]:
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), ANSWERS_WITHIN)
    if not line:
        raise Failed(f"ended; see {log.name}: {await asyncio.to_thread(_last_words, log)}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _last_words(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").splitlines()[-3:])[-400:]
