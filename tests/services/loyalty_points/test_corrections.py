"""Terms that should have held are signed, and what was earned is corrected by them: once, however often it is run."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import RecountReceipts
from services.loyalty_points.lifetime import Never
from services.loyalty_points.reactions import react
from services.loyalty_points.routes import corrections
from services.loyalty_points.terms import Terms
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.running import Running
from shared.server import http
from shared.tokens import Tokens
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.earning_stories import TERMS, check_rewards, rewarded_stories
from tests.services.stories import FIRST_DAY, Story, joining, refund, sale

CAUSE = Cause("a test", "a test")
SLOW = [HealthCheck.too_slow]  # on a machine that has much to do
PLAIN, MORE = Terms(expiry=Never()), Terms(points_per_unit="1.5", expiry=Never())
SECOND_DAY = FIRST_DAY + timedelta(days=1)
PERSON = uuid4()


@settings(max_examples=200, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=SLOW)
@given(rewarded_stories())
def test_a_correction_leaves_what_the_terms_would_have_given_from_the_start(story: Story) -> None:
    books = Books(terms=PLAIN).hear(story.told)
    books.terms = TERMS
    for who in list(books.accounts):
        order = RecountReceipts(at=books.now, customer_id=who, version=2)
        books.handle(order)
        assert books.handle(order) == []
    check_rewards(story, books.accounts, books.entries)


def with_cap(name: str) -> Terms:
    """Return terms by which a week's purchases earn twice, for twenty points more."""
    twice = {"name": name, "factor": "2", "cap": {"points": 20, "per": "week"}}
    return Terms.model_validate({"expiry": Never(), "earning": {"bonuses": [twice]}})


def test_a_bonus_that_a_correction_replaces_by_one_worth_the_same_has_used_that_ones_cap() -> None:
    monday, mei = FIRST_DAY + timedelta(days=1), uuid4()
    first, second = sale("1", (mei, 3_000), at=monday), sale("2", (mei, 1_000), at=monday + timedelta(days=1))
    books = Books(terms=with_cap("welcome")).hear([first, joining(first, mei)])
    books.terms = with_cap("spring")
    order = RecountReceipts(at=books.now, customer_id=mei, version=2)
    books.handle(order)
    assert books.handle(order) == []
    assert books.hear([second]).accounts[mei].earned == 30 + 20 + 10
    assert books.hear([refund(first, (1, 100, 2_900))]).accounts[mei].taken_back == 1


class Desk:
    """Headquarters, who corrects; and a member who has bought on two days, and given some back of the first."""

    def __init__(self, running: Running) -> None:
        self.running, self.mei = running, uuid4()

    async def open(self) -> "Desk":
        order = PublishPolicy(at=datetime.now(UTC), terms=PLAIN.model_dump(mode="json"))
        await perform_one(self.running, order, CAUSE)
        days = (FIRST_DAY, FIRST_DAY + timedelta(days=2))
        first, second = (sale(f"{self.mei} {n}", (self.mei, 1_000), at=at) for n, at in enumerate(days))
        for news in (first, joining(first, self.mei), refund(first, (1, 300, 700)), second):
            await perform(self.running, [Issued(command, CAUSE) for command in react(news)])
        return self

    async def ask(self, method: str, path: str, body: Any = None, role: str = "headquarters") -> httpx2.Response:
        headers = {"authorization": f"Bearer {Tokens(self.running.settings).sign(role)}"}
        address = self.running.settings.address("loyalty-points")
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            return await client.request(method, path, json=body, headers=headers)

    async def run(self, version: int) -> list[int]:
        """Return the points and the customers that a run has corrected."""
        sums, body = [0, 0], dict[str, Any]()
        while True:
            told = (await self.ask("POST", f"/v1/corrections/{version}/run", body)).json()
            sums = [sums[0] + told["points"], sums[1] + told["customers"]]
            if told["next"] is None:
                return sums
            body["after"] = told["next"]

    async def entries(self, who: UUID) -> list[tuple[str, int, int, int]]:
        async with self.running.pool.acquire() as tx:
            told = [e.event for e in await self.running.handler.history(tx, "account", who)]
        both = [e for e in told if isinstance(e, PointsEarned | PointsTakenBack)]
        return [(e.name, e.points, getattr(e, "corrected", 0), e.policy_version) for e in both]


def correction(terms: Terms, holds_from: datetime, **other: Any) -> dict[str, Any]:
    body = {"terms": terms.model_dump(mode="json"), "from": holds_from.isoformat(), "reason": "our-mistake"}
    return body | {"signed_by": str(PERSON)} | other


@pytest.fixture
async def desk(loyalty_points: Running) -> AsyncIterator[Desk]:
    """Yield the desk, whose service answers over HTTP."""
    serving = asyncio.create_task(http(loyalty_points))
    yield await Desk(loyalty_points).open()
    loyalty_points.stop.set()
    await serving


async def test_a_signed_version_corrects_the_receipts_of_its_time_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "AT_ONCE", 1)
    told = (await desk.ask("POST", "/v1/corrections", correction(MORE, SECOND_DAY))).json()
    assert told == {"version": 2, "changed": True}
    before = [("PointsEarned", 10, 0, 1), ("PointsTakenBack", 3, 0, 1), ("PointsEarned", 10, 0, 1)]
    assert await desk.run(2) == [5, 1]
    assert await desk.entries(desk.mei) == [*before, ("PointsEarned", 5, 0, 2)]
    assert await desk.run(2) == [0, 0]
    assert await desk.entries(desk.mei) == [*before, ("PointsEarned", 5, 0, 2)]
    shown = (await desk.ask("GET", "/v1/policy")).json()
    assert [v["version"] for v in shown["versions"]] == [1, 2]


async def test_a_correction_takes_as_well_and_refunds_go_by_it_afterwards(desk: Desk) -> None:
    half = Terms(points_per_unit="0.5", expiry=Never())
    await desk.ask("POST", "/v1/corrections", correction(half, SECOND_DAY))
    assert await desk.run(2) == [-5, 1]
    assert (await desk.entries(desk.mei))[-1] == ("PointsTakenBack", 5, 5, 2)
    second = sale(f"{desk.mei} 1", (desk.mei, 1_000), at=FIRST_DAY + timedelta(days=2))
    back = refund(second, (1, 600, 400))
    await perform(desk.running, [Issued(command, CAUSE) for command in react(back)])
    assert (await desk.entries(desk.mei))[-1] == ("PointsTakenBack", 3, 0, 2)


async def test_what_is_wrong_has_its_code_and_changes_nothing(desk: Desk) -> None:
    before = await desk.entries(desk.mei)
    signed, run = correction(MORE, SECOND_DAY), "/v1/corrections/1/run"
    without = {name: value for name, value in signed.items() if name != "signed_by"}
    past = {"terms": signed["terms"], "from": signed["from"]}
    for method, path, body, role, status, code in (
        ("PUT", "/v1/policy", past, "headquarters", 409, "policy-starts-in-the-past"),
        ("POST", "/v1/corrections", without, "headquarters", 422, "malformed"),
        ("POST", "/v1/corrections", signed | {"reason": "Mei was cross"}, "headquarters", 422, "malformed"),
        ("POST", "/v1/corrections", signed | {"signed_by": "Mei"}, "headquarters", 422, "malformed"),
        ("POST", "/v1/corrections", signed | {"terms": {"expiry": 1}}, "headquarters", 422, "terms-invalid"),
        ("POST", "/v1/corrections", signed, "staff", 403, "role-not-allowed"),
        ("POST", run, {}, "staff", 403, "role-not-allowed"),
        ("POST", run, {}, "headquarters", 409, "correction-unsigned"),
        ("POST", "/v1/corrections/9/run", {}, "headquarters", 404, "version-unknown"),
        ("POST", "/v1/corrections/0/run", {}, "headquarters", 404, "version-unknown"),
        ("POST", run, {"after": "x"}, "headquarters", 422, "malformed"),
    ):
        answer = await desk.ask(method, path, body, role)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, body)
    assert await desk.entries(desk.mei) == before
    assert len((await desk.ask("GET", "/v1/policy")).json()["versions"]) == 1
