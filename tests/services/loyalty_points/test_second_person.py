"""Over HTTP: a debt that is too large for one person is let go by two."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.loyalty_points.reactions import react
from shared.message import Issued
from shared.performing import perform
from tests.services.loyalty_points.desk import CAUSE, Desk
from tests.services.loyalty_points.test_shop import reported


@pytest.fixture
async def owing(desk: Desk) -> Desk:
    """Return the desk, where Li owes six hundred points: a till let her spend them, and ten more."""
    spent = react(reported(desk.li, "R1", 610, datetime.now(UTC)))
    await perform(desk.running, [Issued(command, CAUSE) for command in spent])
    return desk


def told(answer: httpx2.Response) -> tuple[int, Any]:
    body = answer.json()
    return answer.status_code, body.get("state") or body["code"]


async def test_a_second_person_is_needed_and_is_another_one(owing: Desk) -> None:
    asked = {"forgiveness_id": str(uuid4()), "points": 600, "reason": "our-mistake"}
    path = f"/{owing.li}/debt/forgive"
    assert told(await owing.post(path, asked)) == (409, "person-unnamed")
    for _ in range(2):
        assert told(await owing.post(path, asked, subject="anna")) == (200, "second-person-needed")
    assert (await owing.get(owing.li))["debt"] == 600
    one = f"/{owing.li}/debt/forgivings/{asked['forgiveness_id']}"
    assert told(await owing.post(f"{one}/approve", subject="anna")) == (409, "second-person-is-the-first")
    assert told(await owing.post(f"{one}/approve", role="headquarters", subject="anna"))[0] == 409
    approvals = await asyncio.gather(*(owing.post(f"{one}/approve", subject=who) for who in ("ben", "cho", "dan")))
    assert Counter(map(told, approvals)) == {(200, "forgiven"): 3}
    shown = await owing.get(owing.li)
    assert (shown["debt"], shown["forgiven"]) == (0, 600)
    assert [e["kind"] for e in shown["entries"]].count("forgiven") == 1
    assert told(await owing.post(f"{one}/decline", subject="ben")) == (409, "forgiveness-ended")
    listed = (await owing.call("GET", f"/v1/accounts/{owing.li}/debt/forgivings")).json()["forgivings"]
    assert [(f["state"], f["points"], f["forgiven"]) for f in listed] == [("forgiven", 600, 600)]


async def test_one_person_alone_lets_go_up_to_the_limit_and_what_is_declined_stays_owed(owing: Desk) -> None:
    path, some = f"/{owing.li}/debt/forgive", {"points": 250, "reason": "our-mistake"}
    for _ in range(2):
        assert told(await owing.post(path, some | {"forgiveness_id": str(uuid4())})) == (200, "forgiven")
    last = some | {"forgiveness_id": str(uuid4()), "points": 100}
    assert told(await owing.post(path, last, subject="anna")) == (200, "second-person-needed")
    one = f"/{owing.li}/debt/forgivings/{last['forgiveness_id']}"
    assert told(await owing.post(f"{one}/decline", subject="ben")) == (200, "declined")
    assert told(await owing.post(f"{one}/approve", subject="ben")) == (409, "forgiveness-ended")
    assert (await owing.get(owing.li))["debt"] == 100
