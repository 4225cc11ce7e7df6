"""What the desk sends wrong: each its code, and nothing of the account changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.loyalty_points.domain import HoldPoints
from services.loyalty_points.reactions import react
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.running import Running
from shared.server import http
from shared.tokens import Tokens
from tests.services.stories import joining, sale

CAUSE = Cause("a test", "a test")


@dataclass
class Desk:
    """Two customers with ten points each; of the first one three are held, two captured, and a hold has lapsed."""

    running: Running
    mei: UUID = field(default_factory=uuid4)
    li: UUID = field(default_factory=uuid4)
    held: UUID = field(default_factory=uuid4)
    captured: UUID = field(default_factory=uuid4)
    lapsed: UUID = field(default_factory=uuid4)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, role: str = "staff"
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign(role)}"}
        headers |= {"idempotency-key": key} if key else {}
        address = self.running.settings.address("loyalty-points")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            return await client.post(f"/v1/accounts{path}", json=body, headers=headers)

    async def get(self, who: UUID) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign('headquarters')}"}
        address = self.running.settings.address("loyalty-points")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            told: dict[str, Any] = (await client.get(f"/v1/accounts/{who}", headers=headers)).json()
        return told


@pytest.fixture
async def desk(lasting_points: Running) -> AsyncIterator[Desk]:
    """Yield the desk, whose service answers over HTTP and does nothing else."""
    serving = asyncio.create_task(http(lasting_points))
    desk = Desk(lasting_points)
    for who in (desk.mei, desk.li):
        bought = sale(str(who), (who, 1_000))
        for news in (bought, joining(bought, who)):
            await perform(lasting_points, [Issued(command, CAUSE) for command in react(news)])
    for hold_id, points in ((desk.held, 3), (desk.captured, 2)):
        body = {"hold_id": str(hold_id), "points": points, "seconds": 600}
        assert (await desk.post(f"/{desk.mei}/holds", body)).status_code == 200
    await desk.post(f"/{desk.mei}/holds/{desk.captured}/capture", {"points": 2})
    now = datetime.now(UTC)
    soon = HoldPoints(
        at=now, customer_id=desk.mei, hold_id=desk.lapsed, points=1, until=now + timedelta(milliseconds=100)
    )
    await perform_one(lasting_points, soon, CAUSE)
    await asyncio.sleep(0.1)
    yield desk
    lasting_points.stop.set()
    await serving


HOLD = {"hold_id": str(uuid4()), "points": 1, "seconds": 60}
REDEEM = {"redemption_id": str(uuid4()), "points": 1}
TAKEN = REDEEM | {"redemption_id": "{held}"}
FORGIVE = {"points": 1, "reason": "x"}

TABLE: dict[str, tuple[str, Any, int, str]] = {
    "hold of nobody": ("/{nobody}/holds", HOLD, 404, "account-unknown"),
    "redemption of nobody": ("/{nobody}/redemptions", REDEEM, 404, "account-unknown"),
    "capture of nobody": ("/{nobody}/holds/{held}/capture", {"points": 1}, 404, "account-unknown"),
    "release of nobody": ("/{nobody}/holds/{held}/release", None, 404, "account-unknown"),
    "forgiving nobody": ("/{nobody}/debt/forgive", FORGIVE, 404, "account-unknown"),
    "no customer": ("/mei/redemptions", REDEEM, 422, "malformed"),
    "a hold of too much": ("/{mei}/holds", HOLD | {"points": 6}, 409, "not-enough-points"),
    "a redemption of too much": ("/{mei}/redemptions", REDEEM | {"points": 6}, 409, "not-enough-points"),
    "all there is": ("/{mei}/redemptions", REDEEM | {"points": 2**53 - 1}, 409, "not-enough-points"),
    "nothing held": ("/{mei}/holds", HOLD | {"points": 0}, 422, "points-invalid"),
    "less than nothing held": ("/{mei}/holds", HOLD | {"points": -1}, 422, "points-invalid"),
    "more than can be counted held": ("/{mei}/holds", HOLD | {"points": 2**63}, 422, "points-invalid"),
    "nothing redeemed": ("/{mei}/redemptions", REDEEM | {"points": 0}, 422, "points-invalid"),
    "less than nothing redeemed": ("/{mei}/redemptions", REDEEM | {"points": -7}, 422, "points-invalid"),
    "more than can be counted redeemed": ("/{mei}/redemptions", REDEEM | {"points": 2**63}, 422, "points-invalid"),
    "nothing captured": ("/{mei}/holds/{held}/capture", {"points": 0}, 422, "points-invalid"),
    "more than can be counted captured": ("/{mei}/holds/{held}/capture", {"points": 2**63}, 422, "points-invalid"),
    "more than can be counted forgiven": (
        "/{mei}/debt/forgive",
        {"points": 2**63, "reason": "x"},
        422,
        "points-invalid",
    ),
    "half a point": ("/{mei}/redemptions", REDEEM | {"points": 1.5}, 422, "malformed"),
    "a point in words": ("/{mei}/redemptions", REDEEM | {"points": "1"}, 422, "malformed"),
    "a point too much of a field": ("/{mei}/redemptions", REDEEM | {"tip": 1}, 422, "malformed"),
    "no time": ("/{mei}/holds", HOLD | {"seconds": 0}, 422, "malformed"),
    "all the time": ("/{mei}/holds", HOLD | {"seconds": 10**9}, 422, "malformed"),
    "a reason in a sentence": ("/{mei}/debt/forgive", {"points": 1, "reason": "Mei is nice"}, 422, "malformed"),
    "more than is owed": ("/{mei}/debt/forgive", FORGIVE, 409, "more-than-owed"),
    "a hold that nobody made": ("/{mei}/holds/{nobody}/capture", {"points": 1}, 409, "hold-unknown"),
    "a hold of another customer": ("/{li}/holds/{held}/capture", {"points": 1}, 409, "hold-unknown"),
    "another's hold let go": ("/{li}/holds/{held}/release", None, 409, "hold-unknown"),
    "more than is held": ("/{mei}/holds/{held}/capture", {"points": 4}, 409, "more-than-held"),
    "captured twice": ("/{mei}/holds/{captured}/capture", {"points": 1}, 409, "hold-ended"),
    "released after it was captured": ("/{mei}/holds/{captured}/release", None, 409, "hold-ended"),
    "captured after its time": ("/{mei}/holds/{lapsed}/capture", {"points": 1}, 409, "hold-ended"),
    "released after its time": ("/{mei}/holds/{lapsed}/release", None, 409, "hold-ended"),
    "another hold by its name": ("/{mei}/holds", HOLD | {"hold_id": "{held}"}, 409, "hold-differs"),
    "a redemption by a hold's name": (
        "/{mei}/redemptions",
        REDEEM | {"redemption_id": "{held}"},
        409,
        "redemption-differs",
    ),
}


async def test_each_has_its_code_and_changes_nothing(desk: Desk) -> None:
    before = [await desk.get(who) for who in (desk.mei, desk.li)]
    named = {name: str(getattr(desk, name)) for name in ("mei", "li", "held", "captured", "lapsed")}
    named |= {"nobody": str(uuid4())}
    for what, (path, body, status, code) in TABLE.items():
        filled = body and {k: v.format(**named) if isinstance(v, str) else v for k, v in body.items()}
        answer = await desk.post(path.format(**named), filled)
        assert (answer.status_code, answer.json()["code"]) == (status, code), what
    assert [await desk.get(who) for who in (desk.mei, desk.li)] == before


async def test_a_refusal_says_what_there_is(desk: Desk) -> None:
    answer = (await desk.post(f"/{desk.mei}/redemptions", REDEEM | {"points": 6})).json()
    assert (answer["available"], answer["asked"]) == (5, 6)
    ended = (await desk.post(f"/{desk.mei}/holds/{desk.lapsed}/release")).json()
    assert ended["how"] == "lapsed"


async def test_tills_do_not_spend(desk: Desk) -> None:
    for path, body in (("/holds", HOLD), ("/redemptions", REDEEM), ("/debt/forgive", FORGIVE)):
        answer = await desk.post(f"/{desk.mei}{path}", body, role="till")
        assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")


async def test_the_same_key_spends_once_and_not_for_another_body(desk: Desk) -> None:
    for _ in range(2):
        assert (await desk.post(f"/{desk.mei}/redemptions", REDEEM, key="k")).status_code == 200
    other = await desk.post(f"/{desk.mei}/redemptions", REDEEM | {"points": 2}, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert (await desk.get(desk.mei))["redeemed"] == 3


async def test_an_account_shows_what_is_held_spent_and_given_back(desk: Desk) -> None:
    shown = await desk.get(desk.mei)
    standing = {name: shown[name] for name in ("available", "balance", "pending", "reserved", "debt", "redeemed")}
    assert standing == {"available": 5, "balance": 5, "pending": 0, "reserved": 3, "debt": 0, "redeemed": 2}
    await desk.post(f"/{desk.mei}/holds/{desk.held}/release")
    shown = await desk.get(desk.mei)
    assert (shown["available"], shown["reserved"]) == (8, 0)
    assert [(e["kind"], e["points"]) for e in shown["entries"]] == [
        ("earned", 10),
        ("held", 3),
        ("held", 2),
        ("redeemed", 2),
        ("held", 1),
        ("released", 1),
        ("released", 3),
    ]
    assert shown["entries"][3]["lots"] == [shown["entries"][1]["lots"][0] | {"points": 2}]
