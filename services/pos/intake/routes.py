"""The tills' door over HTTP."""

from datetime import UTC, datetime

import orjson
from fastapi import Request, Response

from services.pos.intake.doors import place_of
from services.pos.intake.items import LARGEST_REQUEST, Door, read_request
from services.pos.intake.taking import take
from shared.http import Here, Problem, Route, Who, Why

CAP = 8 * 1024 * 1024


async def post_events(till: str, request: Request, at: Here, caller: Who, cause: Why) -> Response:
    """Take a till's items; each has its own answer, in order."""
    place = await place_of(at, till)
    if caller.branch not in (None, place.branch) or (caller.role == "till" and caller.branch is None):
        raise Problem(403, "branch-foreign")
    if caller.role == "till" and caller.subject not in (None, till):
        raise Problem(403, "till-foreign")
    named, items = read_request(await request.body())
    if named not in (None, till):
        raise Problem(422, "malformed", errors=[{"at": ["till"], "type": "another till's"}])
    if len(items) > LARGEST_REQUEST:
        raise Problem(422, "too-many-items", items=len(items), most=LARGEST_REQUEST)
    door = Door(till, place.branch, at.settings.key("intake"), datetime.now(UTC))
    taken = await take(at, door, place, items, cause)
    answers = [
        {
            "seq": item.seq,
            "outcome": verdict.result,
            "code": verdict.code,
            "facts": dict(verdict.facts),
        }
        for item, verdict in taken
    ]
    return Response(orjson.dumps({"till": till, "items": answers}), media_type="application/json")


ROUTES = (Route("POST", "/v1/tills/{till}/events", post_events, frozenset({"till", "service"}), cap=CAP),)
