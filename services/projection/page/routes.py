"""The page's addresses: the page, its live stream, the way in and out, and the files it loads."""

import gzip
from datetime import date
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from services.projection import assets
from services.projection.page.live import live_of, packed
from services.projection.page.rendering import HERE, look
from services.projection.page.sight import Sight
from services.projection.readers import READERS, scope_of
from services.projection.views.snapshot import snapshot
from services.projection.views.today import codes
from shared.errors import Missing
from shared.http import COOKIE, Here, Route, Who
from shared.running import Running
from shared.scope import ALL
from shared.tokens import Caller, NotAdmitted, Tokens
from shared.wording import LANGUAGES, choose

LANGUAGE_COOKIE = "branchline_language"
A_YEAR = 365 * 24 * 3600
LONGEST_LOGIN = 16 * 1024
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_TEXTS = {".js", ".css", ".svg"}


class _NotAllowed(Exception):
    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role


async def headquarters(
    request: Request, at: Here, on: str = "", branch: str = "", lang: str | None = None
) -> HTMLResponse:
    """Show the page to headquarters and staff; anybody else meets the door."""
    live, language = live_of(request.app), _language(request, lang)
    try:
        caller = _reader(request, at)
    except NotAdmitted as refused:
        reason = refused.code.removeprefix("token-")
        return HTMLResponse(live.pages.door(language, reason), 401, _HEADERS)
    except _NotAllowed as refused:
        return HTMLResponse(live.pages.door(language, "role", role=refused.role), 403, _HEADERS)
    sight = _sight(caller, on, branch, language)
    scene = await look(at, sight, live.machine)
    async with snapshot(at.pool, caller.scope) as tx:
        choices = await codes(tx)
    page = live.pages.whole(scene, sight, choices=choices, missing=assets.missing())
    answer = HTMLResponse(page, headers=_HEADERS)
    if lang in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, lang, max_age=A_YEAR, httponly=True, samesite="lax")
    return answer


async def live_stream(
    request: Request, caller: Who, on: str = "", branch: str = "", lang: str | None = None
) -> StreamingResponse:
    """Stream the parts of the page that change, as server-sent events."""
    live = live_of(request.app)
    live.admit()
    sight = _sight(caller, on, branch, _language(request, lang))
    frames = live.frames(sight)
    if _takes_gzip(request):
        packing = _HEADERS | {"content-encoding": "gzip"}
        return StreamingResponse(packed(frames), media_type="text/event-stream", headers=packing)
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


async def log_in(request: Request, at: Here, token: str = "") -> Response:
    """Let in who comes by a link with a token."""
    return _enter(request, at, token)


async def log_in_by_form(request: Request, at: Here) -> Response:
    """Let in who has pasted a token."""
    body = (await request.body()).decode(errors="replace")
    return _enter(request, at, "".join(parse_qs(body).get("token", [])).strip())


async def log_out() -> Response:
    """Forget who was there."""
    answer = RedirectResponse("/", 303, _HEADERS)
    answer.delete_cookie(COOKIE)
    return answer


async def file(request: Request, name: str) -> Response:
    """Give a file that the page loads; an address with a version changes with what is in it."""
    path = _path(name)
    if path is None:
        raise Missing("file-unknown", name=name)
    kind = guess_type(path.name)[0] or "application/octet-stream"
    lasting = f"max-age={A_YEAR}, immutable" if "v" in request.query_params else "max-age=3600"
    headers = {"cache-control": f"public, {lasting}", "vary": "accept-encoding"}
    if path.suffix in _TEXTS and _takes_gzip(request):
        return Response(_packed(path), media_type=kind, headers=headers | {"content-encoding": "gzip"})
    return Response(path.read_bytes(), media_type=kind, headers=headers)


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _path(name: str) -> Path | None:
    own = {path.name: path for path in (HERE / "static").iterdir()}
    return own.get(name) or assets.find(name)


@lru_cache(maxsize=16)
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes())


def _reader(request: Request, at: Running) -> Caller:
    """Return who reads the page; raise NotAdmitted, or _NotAllowed for a role that has no page."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    caller = Tokens(at.settings).verify(token.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE))
    if caller.role not in READERS:
        raise _NotAllowed(caller.role)
    return caller


def _sight(caller: Caller, on: str, branch: str, language: str) -> Sight:
    return Sight(scope_of(caller, branch or None), _day(on), language, caller.scope == ALL)


def _day(on: str) -> date | None:
    """Return the day that is asked for; what is no day of this century is today."""
    try:
        day = date.fromisoformat(on)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2100 else None


def _language(request: Request, asked: str | None) -> str:
    return choose(asked, request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))


def _enter(request: Request, at: Running, token: str) -> Response:
    try:
        Tokens(at.settings).verify(token)
    except NotAdmitted as refused:
        door = live_of(request.app).pages.door(_language(request, None), refused.code.removeprefix("token-"))
        return HTMLResponse(door, 401, _HEADERS)
    answer = RedirectResponse("/", 303, _HEADERS)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return answer


ROUTES = (
    Route("GET", "/", headquarters, is_open=True),
    Route("GET", "/live", live_stream, READERS),
    Route("GET", "/login", log_in, is_open=True),
    Route("POST", "/login", log_in_by_form, cap=LONGEST_LOGIN, is_open=True),
    Route("POST", "/logout", log_out, is_open=True),
    Route("GET", "/static/{name}", file, is_open=True),
)
