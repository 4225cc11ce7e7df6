"""The tills' door over HTTP."""

from datetime import UTC, datetime

import orjson
from fastapi import Request as HttpRequest
from fastapi import Response

from services.pos.intake.desk import Desk
from services.pos.intake.doors import Doors
from services.pos.intake.items import Door, read_items
from services.pos.intake.request import LARGEST_REQUEST, Request, read_request
from shared.http import Here, Problem, Route, Who, Why

CAP = 8 * 1024 * 1024


async def post_events(till: str, request: HttpRequest, at: Here, caller: Who, cause: Why) -> Response:
    """Take a till's items; each has its own answer, in order."""
    desk = at.one(Desk)
    branch = await at.one(Doors).branch_of(till)
    if caller.branch not in (None, branch) or (caller.role == "till" and caller.branch is None):
        raise Problem(403, "branch-foreign")
    if caller.role == "till" and caller.subject not in (None, till):
        raise Problem(403, "till-foreign")
    desk.admit(branch, 1)  # before the body is read
    named, items = read_request(await request.body())
    if named not in (None, till):
        raise Problem(422, "malformed", errors=[{"at": ["till"], "type": "another till's"}])
    if len(items) > LARGEST_REQUEST:
        raise Problem(422, "too-many-items", items=len(items), most=LARGEST_REQUEST)
    desk.admit(branch, len(items))  # before they are looked at, which takes longer than all else of a refusal
    door = Door(till, branch, desk.key, datetime.now(UTC))
    read = read_items(door, items)
    taken = await desk.take(Request(door, read, cause))
    answers = [
        {
            "seq": item.seq,
            "outcome": verdict.result,
            "code": verdict.code,
            "facts": dict(verdict.facts),
        }
        for item, verdict in zip(read, taken, strict=True)
    ]
    return Response(orjson.dumps({"till": till, "items": answers}), media_type="application/json")


ROUTES = (Route("POST", "/v1/tills/{till}/events", post_events, frozenset({"till", "service"}), cap=CAP),)
