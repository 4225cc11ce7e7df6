"""Calls to the cell's services as headquarters, or another role, makes them. Waits are in seconds."""

import asyncio
import math
import random
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx2
import orjson

from branchline.failure import CommandFailed
from shared.errors import Unavailable
from shared.settings import Settings
from shared.tokens import PRESET_TTL, Tokens

TIMEOUT = 30.0
FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0
SILENT_FOR = 3.0
OPERATORS_PATIENCE = 15.0
PASSING = frozenset({429, 502, 503, 504})


class Refused(Exception):
    """A service said no, for good: its status, its code, and the facts it gave."""

    def __init__(self, service: str, status: int, problem: Mapping[str, Any]) -> None:
        self.service = service
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        told = ("type", "title", "status", "code")
        self.facts = {name: value for name, value in problem.items() if name not in told}
        super().__init__(f"{service} answers {status} {self.code}" + (f": {self.facts}" if self.facts else ""))


class _Passing(Exception):
    """A fault that will pass; `asked` is the service's Retry-After."""

    def __init__(self, reason: str, asked: str = "") -> None:
        super().__init__(reason)
        self.asked_wait = min(float(asked), LONGEST_WAIT) if asked.isdigit() else 0.0


class As(NamedTuple):
    """Who calls: a role, and the branch and the till or person it is narrowed to."""

    role: str
    branch: str | None = None
    subject: str | None = None


HEADQUARTERS = As("headquarters")


class Office:
    """A client of all services. A call that a fault cuts short is made again, as long as `patience` lasts."""

    def __init__(self, settings: Settings, *, patience: float = math.inf) -> None:
        self._settings = settings
        self._patience = patience
        self._tokens = Tokens(settings)
        self._signed: dict[As, tuple[float, str]] = {}
        self._client = httpx2.AsyncClient(timeout=TIMEOUT, trust_env=False, limits=httpx2.Limits(max_connections=64))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, service: str, method: str, path: str, body: Any = None, *, who: As = HEADQUARTERS) -> Any:
        """Return the JSON of the answer; raise Refused for a no, Unavailable when the patience is over."""
        content = None if body is None else orjson.dumps(body)
        began, wait, told = time.monotonic(), FIRST_WAIT, False
        while True:
            try:
                return await self._once(service, method, path, content, who)
            except _Passing as fault:
                passed = time.monotonic() - began
                if passed > self._patience:
                    raise Unavailable(f"{service} {fault}") from fault
                if passed > SILENT_FOR and not told:
                    told = True
                    print(f"{service} {fault}; trying on", file=sys.stderr, flush=True)
                await asyncio.sleep(max(fault.asked_wait, wait * random.uniform(0.5, 1.0)))
                wait = min(wait * 2, LONGEST_WAIT)

    async def _once(self, service: str, method: str, path: str, content: bytes | None, who: As) -> Any:
        url, headers = self._settings.address(service) + path, self._headers(who)
        try:
            answer = await self._client.request(method, url, content=content, headers=headers)
        except httpx2.TransportError as error:
            raise _Passing(f"does not answer ({type(error).__name__})") from error
        if answer.status_code in PASSING:
            raise _Passing(f"answers {answer.status_code}", answer.headers.get("retry-after", ""))
        told = _json(answer.content)
        if answer.status_code >= 400:
            raise Refused(service, answer.status_code, told if isinstance(told, dict) else {})
        return told

    def _headers(self, who: As) -> dict[str, str]:
        """Return the headers that name the caller; a token is signed again when half its time is over."""
        until, token = self._signed.get(who, (0.0, ""))
        if time.monotonic() > until:
            token = self._tokens.sign(who.role, branch=who.branch, subject=who.subject)
            self._signed[who] = (time.monotonic() + PRESET_TTL.total_seconds() / 2, token)
        return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def open_office(chosen: Settings, *, patience: float = math.inf) -> Office:
    """Return an office; raise CommandFailed where the key that signs its tokens is missing."""
    try:
        return Office(chosen, patience=patience)
    except FileNotFoundError as missing:
        raise CommandFailed(f"the key {missing.filename} is not there") from None


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else {}
    except orjson.JSONDecodeError:
        return {}
