"""Errors as answers: the one place that knows which status and code an error has (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import orjson
import structlog
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.errors import ContractBroken, Missing, Rejected, Unavailable
from shared.faults import is_passing
from shared.idempotency import KeyReused
from shared.peer import PeerRefused
from shared.tokens import NotAdmitted

RETRY_AFTER_SECONDS = 1

_CODES = {400: "malformed", 404: "route-unknown", 405: "method-not-allowed", 413: "body-too-large"}
_log = structlog.get_logger()


class Problem(Exception):
    """An answer that is not the wanted one, made by an endpoint itself: its status, its code, and the facts."""

    def __init__(self, status: int, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.facts: Mapping[str, Any] = facts


def answer_to(error: Exception, *, views_live: bool = True) -> Response:
    """Return the answer that tells of the error; what no rule names is a bug, logged and answered 500."""
    status, code, facts = _known(error, views_live) or (500, "internal", {})
    if status == 500:
        _log.error("bug", exc_info=error)
    elif status == 503:
        _log.warning("unavailable", code=code, error=f"{type(error).__name__}: {error}")
    return problem(status, code, facts)


def problem(status: int, code: str, facts: Mapping[str, Any]) -> Response:
    """Return a problem as JSON; the facts stand beside the members that every problem has."""
    title = code.replace("-", " ").capitalize()
    body = {**facts, "type": "about:blank", "title": title, "status": status, "code": code}
    headers = {}
    if status == 503:
        headers["retry-after"] = str(facts.get("retry_after", RETRY_AFTER_SECONDS))
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(orjson.dumps(body, default=str), status, headers, "application/problem+json")


def _known(error: Exception, views_live: bool) -> tuple[int, str, Mapping[str, Any]] | None:
    match error:
        case Problem():
            return error.status, error.code, error.facts
        case Rejected():
            return 409, error.code, error.facts
        case Missing():
            return 404, error.code, error.facts
        case NotAdmitted():
            return 401, error.code, {}
        case KeyReused():
            return 422, "idempotency-key-reused", {}
        case RequestValidationError() | ValidationError():
            return 422, "malformed", {"errors": _places(error.errors())}
        case ContractBroken() | asyncpg.exceptions.DataError() | asyncpg.exceptions._base.DataError():
            return 422, "malformed", {}
    return _of_the_way(error, views_live)


def _of_the_way(error: Exception, views_live: bool) -> tuple[int, str, Mapping[str, Any]] | None:
    """Return what the request met before or behind the endpoint."""
    match error:
        case UnicodeEncodeError():
            return 422, "malformed", {}
        case HTTPException() | StarletteHTTPException():
            status = 422 if error.status_code == 400 else error.status_code
            return status, _CODES.get(error.status_code, f"status-{status}"), {}
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError() if not views_live:
            return 503, "views-building", {}
        case PeerRefused():
            return 502, "peer-refused", {"peer_code": error.code}
        case Unavailable():
            return 503, "unavailable", {}
        case _ if is_passing(error):
            return 503, "unavailable", {}
    return None


def _places(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """Return where and what, never the input: it may be anything, also a number that JSON cannot say."""
    return [{"at": [str(part) for part in e["loc"]], "type": e["type"], "message": e["msg"]} for e in errors[:20]]
