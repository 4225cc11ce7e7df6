"""HTTP: a service's routes behind one door, which asks for a token, caps the body, traces, measures and answers errors.

Body caps are bytes.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.types import Message

from shared import telemetry
from shared.errors import Unavailable
from shared.idempotency import Idempotency
from shared.message import Cause
from shared.postgres import Tx
from shared.problems import Problem, answer_to
from shared.running import Running
from shared.scope import see
from shared.tokens import Caller, Tokens

__all__ = ["COOKIE", "Here", "Once", "Problem", "Route", "Who", "Why", "application", "reading"]

CAP = 2 * 1024 * 1024
COOKIE = "branchline"  # a browser's token; good for reading only, so that no other site can write with it
LONGEST_KEY = 255

_QUIET: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
_KEYS = UUID("b2c0ffee-0000-5000-8000-000000000002")


@dataclass(frozen=True)
class Route:
    """A method and path, its FastAPI endpoint, and who may call it. Only an `is_open` route asks for no token."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    roles: frozenset[str] = frozenset()
    cap: int = CAP
    is_open: bool = False
    status: int = 200

    def __post_init__(self) -> None:
        if bool(self.roles) == self.is_open:
            raise ValueError(f"{self.method} {self.path} names the roles that may call it, or is open")


def _running(request: Request) -> Running:
    running = request.app.state.running
    assert isinstance(running, Running)
    return running


def _caller(request: Request) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


async def _idempotency(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> Idempotency | None:
    if idempotency_key is None:
        return None
    if not 0 < len(idempotency_key) <= LONGEST_KEY:
        raise Problem(422, "idempotency-key-length", longest=LONGEST_KEY)
    caller = _caller(request)
    scope = (request.method, request.scope["route"].path, caller.role, caller.branch, caller.subject, idempotency_key)
    told = hashlib.sha256(f"{request.url.path}?{request.url.query}\n".encode() + await request.body())
    return Idempotency(uuid5(_KEYS, repr(scope)), told.digest())


# coroutines: FastAPI gives each plain function to a thread, which costs more than the function
async def _here(request: Request) -> Running:
    return _running(request)


async def _who(request: Request) -> Caller:
    return _caller(request)


async def _why(request: Request) -> Cause:
    caller: Caller | None = request.state.caller
    trace_id = request.state.trace_id
    return Cause(trace_id, trace_id, telemetry.traceparent(), caller.actor if caller else None)


Here = Annotated[Running, Depends(_here)]
Who = Annotated[Caller, Depends(_who)]
Why = Annotated[Cause, Depends(_why)]
Once = Annotated[Idempotency | None, Depends(_idempotency)]


@asynccontextmanager
async def reading(running: Running, caller: Caller) -> AsyncIterator[Tx]:
    """Give a transaction that only reads, and sees the rows of the caller's branch alone where row security asks it."""
    async with running.pool.acquire() as tx, tx.transaction(readonly=True):
        await see(tx, caller.scope)
        yield tx


def application(running: Running, routes: tuple[Route, ...]) -> FastAPI:
    """Return the application that serves the routes."""
    app = FastAPI(
        title=running.service.name,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=_QUIET,
        exception_handlers={HTTPException: _unrouted},
    )
    app.state.running = running
    tokens = Tokens(running.settings)
    for route in routes:
        app.router.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            status_code=route.status,
            route_class_override=_door(route, tokens),
        )
    return app


async def _unrouted(_request: Request, error: Exception) -> Response:
    return answer_to(error)


def _door(route: Route, tokens: Tokens) -> type[APIRoute]:
    class Door(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return await _pass(route, tokens, request, inner)

            return handle

    return Door


async def _pass(
    route: Route, tokens: Tokens, request: Request, inner: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Let a request through: admitted first, so that a stranger's body is never read."""
    began = time.perf_counter()
    header = request.headers.get("traceparent")
    found = telemetry.parse(header)
    request.state.trace_id = found[0] if found else telemetry.new_trace_id()
    sampled = found[2] if found else telemetry.is_sampled()
    root = None if found else request.state.trace_id
    where = {"method": route.method, "route": route.path}
    with telemetry.tracing(telemetry.REQUEST, header, trace_id=root, **where) if sampled else nullcontext() as span:
        try:
            request.state.caller = None if route.is_open else _admit(route, tokens, request)
            if _said_length(request) > route.cap:
                raise HTTPException(413)
            response = await inner(Request(request.scope, _capped(request.receive, route.cap)))
        except asyncio.CancelledError:
            if not _running(request).stop.is_set():
                raise  # the client has gone
            response = answer_to(Unavailable("the process ends"))  # and whether it was done, the same call will tell
        except Exception as error:
            response = answer_to(error, views_live=_running(request).views_live.is_set())
        if span:
            span.attributes["status"] = response.status_code
    labels = (route.method, route.path, str(response.status_code))
    telemetry.HTTP_SECONDS.labels(*labels).observe(time.perf_counter() - began)
    return response


def _admit(route: Route, tokens: Tokens, request: Request) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.cookies.get(COOKIE, "") if route.method == "GET" else ""
    caller = tokens.verify(token.strip())
    if caller.role not in route.roles:
        raise Problem(403, "role-not-allowed", role=caller.role, allowed=sorted(route.roles))
    return caller


def _said_length(request: Request) -> int:
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else 0


def _capped(receive: Callable[[], Awaitable[Message]], cap: int) -> Callable[[], Awaitable[Message]]:
    """Count the body while it comes in, whatever length it was said to have."""
    taken = 0

    async def capped() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > cap:
            raise HTTPException(413)  # the one kind of error that FastAPI lets through while it reads a body
        return message

    return capped
