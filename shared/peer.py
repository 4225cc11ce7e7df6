"""Calls to the other services of the cell, each with a service token. Timeouts are in seconds."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
from pydantic import BaseModel

from shared import telemetry
from shared.errors import Unavailable
from shared.settings import Settings
from shared.tokens import Tokens

TIMEOUT = 10.0
MOST_CONNECTIONS = 8
_TOKEN_TTL = timedelta(hours=1)
_RENEW_BEFORE = 300.0
# a connection that the other end closes while it opens: anyio asks a socket that is gone for its peer's name
_NO_ANSWER = (httpx2.HTTPError, AttributeError)


class PeerRefused(Exception):
    """The other service answered with a problem: its status, its code, and the facts."""

    def __init__(self, status: int, code: str, facts: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.facts = facts


class Peers:
    """The other services of the cell, as `caller` reaches them."""

    def __init__(self, settings: Settings, caller: str) -> None:
        self._settings = settings
        self._caller = caller
        self._tokens = Tokens(settings)
        self._token, self._renew_at = "", 0.0
        self._client: httpx2.AsyncClient | None = None

    async def call(self, service: str, method: str, path: str, body: BaseModel | None = None) -> bytes:
        """Return the answer's body; raise Unavailable when there is none worth having, PeerRefused for a refusal."""
        content = body.model_dump_json().encode() if body is not None else None
        try:
            answer = await self._open().request(
                method, self._settings.address(service) + path, content=content, headers=self._headers()
            )
        except _NO_ANSWER as error:
            raise Unavailable(f"{service} does not answer: {type(error).__name__}") from error
        _check(service, answer.status_code, answer.content)
        return answer.content

    async def lines(self, service: str, path: str) -> AsyncIterator[bytes]:
        """Give the lines of an answer in NDJSON as they come; raises like `call`."""
        async with self.stream(service, path) as answer:
            rest = b""
            async for chunk in answer.aiter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
            if rest:
                yield rest

    @asynccontextmanager
    async def stream(self, service: str, path: str) -> AsyncIterator[httpx2.Response]:
        """Open an answer whose headers are wanted, or that is too long to keep; raises like `call`."""
        request = self._open().build_request("GET", self._settings.address(service) + path, headers=self._headers())
        try:
            answer = await self._open().send(request, stream=True)
            if answer.status_code >= 400:
                await answer.aread()
        except _NO_ANSWER as error:
            raise Unavailable(f"{service} does not answer: {type(error).__name__}") from error
        try:
            if answer.status_code >= 400:
                _check(service, answer.status_code, answer.content)
            yield answer
        except httpx2.HTTPError as error:
            raise Unavailable(f"{service} broke off: {type(error).__name__}") from error
        finally:
            await answer.aclose()

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            # few: the client looks at every connection it has, for every request
            limits = httpx2.Limits(max_connections=MOST_CONNECTIONS)
            self._client = httpx2.AsyncClient(timeout=TIMEOUT, trust_env=False, limits=limits)
        return self._client

    def _headers(self) -> dict[str, str]:
        if time.monotonic() > self._renew_at:
            self._token = self._tokens.sign("service", subject=self._caller, ttl=_TOKEN_TTL)
            self._renew_at = time.monotonic() + _TOKEN_TTL.total_seconds() - _RENEW_BEFORE
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        traceparent = telemetry.traceparent()
        return headers | {"traceparent": traceparent} if traceparent else headers


class _Problem(BaseModel, extra="allow"):
    code: str = "unknown"


def _check(service: str, status: int, body: bytes) -> None:
    if status in (429, 502, 503, 504) or status >= 500:
        raise Unavailable(f"{service} answers {status}")
    if status >= 400:
        try:
            problem = _Problem.model_validate_json(body)
        except ValueError:
            problem = _Problem()
        raise PeerRefused(status, problem.code, problem.model_extra or {})
