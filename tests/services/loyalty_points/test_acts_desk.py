"""Acts at the desk: what each answers, how often, and what a wrong one does: nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.loyalty_points import PointsAwarded
from services.loyalty_points.acts import Act, Limit
from services.loyalty_points.domain import AwardPoints
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from shared.running import Running
from tests.services.loyalty_points.desk import Desk, desk
from tests.services.loyalty_points.test_tiers import MONDAY

CAUSE = Cause("a test", "a test")
SURVEY = {"act": "survey", "act_id": "s-1", "reason": "thanks", "branch": "TOR1", "zone": "America/Toronto"}
TERMS = Terms(
    expiry=Never(),
    acts={"survey": Act(points=20, limit=Limit(times=2, per="week")), "referral": Act(points=200)},
)

TABLE: dict[str, tuple[str, Any, int, str]] = {
    "an award of nobody": ("{nobody}", SURVEY, 404, "account-unknown"),
    "no customer": ("mei", SURVEY, 422, "malformed"),
    "an act that nobody knows": ("{mei}", SURVEY | {"act": "applause"}, 409, "act-unknown"),
    "an act in a sentence": ("{mei}", SURVEY | {"act": "She smiled"}, 422, "malformed"),
    "no id": ("{mei}", SURVEY | {"act_id": ""}, 422, "malformed"),
    "an id that is too long": ("{mei}", SURVEY | {"act_id": "x" * 65}, 422, "malformed"),
    "a reason in a sentence": ("{mei}", SURVEY | {"reason": "Mei is nice"}, 422, "malformed"),
    "no zone": ("{mei}", SURVEY | {"zone": "Toronto"}, 422, "malformed"),
    "a zone outside": ("{mei}", SURVEY | {"zone": "../../etc/passwd"}, 422, "malformed"),
    "no branch": ("{mei}", SURVEY | {"branch": ""}, 422, "malformed"),
    "points of one's own": ("{mei}", SURVEY | {"points": 2**63}, 422, "malformed"),
    "one more than the limit": ("{mei}", SURVEY | {"act_id": "s-3"}, 409, "award-limit-reached"),
}

__all__ = ["desk"]


@pytest.fixture
async def asking(desk: Desk) -> Desk:
    """Return the desk, where surveys earn twice a week; Mei has answered twice."""
    terms = TERMS.model_dump(mode="json")
    await perform_one(desk.running, PublishPolicy(at=datetime.now(UTC), terms=terms), CAUSE)
    for act_id in ("s-1", "s-2"):
        assert (await desk.post(f"/{desk.mei}/awards", SURVEY | {"act_id": act_id})).status_code == 200
    return desk


async def test_each_has_its_code_and_changes_nothing(asking: Desk) -> None:
    before = await asking.get(asking.mei)
    named = {"mei": str(asking.mei), "nobody": str(uuid4())}
    for what, (who, body, status, code) in TABLE.items():
        answer = await asking.post(f"/{who.format(**named)}/awards", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), what
    assert await asking.get(asking.mei) == before


async def test_a_refusal_says_the_limit_and_the_same_act_again_is_no_other(asking: Desk) -> None:
    over = (await asking.post(f"/{asking.mei}/awards", SURVEY | {"act_id": "s-3"})).json()
    assert (over["act"], over["times"], over["per"]) == ("survey", 2, "week")
    assert (await asking.post(f"/{asking.mei}/awards", SURVEY)).status_code == 200
    shown = await asking.get(asking.mei)
    told = [(e["kind"], e["points"], e["source"]) for e in shown["entries"] if e["kind"] == "awarded"]
    assert told == [("awarded", 20, "act/survey/s-1"), ("awarded", 20, "act/survey/s-2")]
    assert shown["earned"] == 50


async def test_tills_give_no_points(asking: Desk) -> None:
    answer = await asking.post(f"/{asking.mei}/awards", SURVEY, role="till")
    assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")


def order(who: Any, act_id: str, days: int) -> Issued:
    at = MONDAY + timedelta(days=days)
    return Issued(
        AwardPoints(
            at=at,
            customer_id=who,
            act="survey",
            act_id=act_id,
            reason="thanks",
            branch="TOR1",
            zone="America/Toronto",
            on=at.date(),
        ),
        CAUSE,
    )


async def test_a_limit_is_of_its_period_also_within_one_batch(loyalty_points: Running) -> None:
    await perform_one(loyalty_points, PublishPolicy(at=MONDAY, terms=TERMS.model_dump(mode="json")), CAUSE)
    who = uuid4()
    batch = [order(who, act_id, days) for act_id, days in (("a", 0), ("b", 6), ("c", 6), ("d", 7), ("a", 7), ("e", 7))]
    outcomes = await perform(loyalty_points, batch)
    assert [o.refusal.code if o.refusal else len(o.events) for o in outcomes] == [1, 1, "award-limit-reached", 1, 0, 1]


async def test_of_many_who_race_for_the_last_award_one_wins(loyalty_points: Running) -> None:
    await perform_one(loyalty_points, PublishPolicy(at=MONDAY, terms=TERMS.model_dump(mode="json")), CAUSE)
    who = uuid4()
    await perform(loyalty_points, [order(who, "first", 0)])
    outcomes = await asyncio.gather(*(perform(loyalty_points, [order(who, str(n), 0)]) for n in range(20)))
    assert sum(len(o.events) for (o,) in outcomes) == 1
    async with loyalty_points.pool.acquire() as tx:
        told = [e.event for e in await loyalty_points.handler.history(tx, "account", who)]
    assert sum(isinstance(e, PointsAwarded) for e in told) == 2
