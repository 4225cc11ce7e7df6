"""A rehearsal says of customers who are one by now what the correction by the same terms gives them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.membership import CustomersMerged, CustomersSplit, TierChanged
from services.loyalty_points.lifetime import Never
from services.loyalty_points.reactions import react
from services.loyalty_points.routes import corrections
from services.loyalty_points.terms import Terms
from shared.message import Issued
from shared.performing import perform, perform_one
from shared.policy import PublishPolicy
from tests.services.loyalty_points.calling import CAUSE, Calling
from tests.services.stories import FIRST_DAY, joining, refund, sale

BY_TIER = {"by_tier": {"gold": "2"}, "bonuses": [{"name": "week", "factor": "3", "cap": {"points": 9, "per": "week"}}]}
DRAFT = Terms.model_validate({"expiry": Never(), "points_per_unit": "1.5", "earning": BY_TIER})


def day(number: int) -> datetime:
    return FIRST_DAY + timedelta(days=number)


async def hear(calling: Calling, *told: Any) -> None:
    for news in told:
        await perform(calling.running, [Issued(command, CAUSE) for command in react(news)])


async def rehearsed(calling: Calling) -> Counter[str]:
    """Return what the draft would have given from the first day on, beside what there is."""
    told = await calling.told("POST", "/v1/rehearsals", _draft(), role="headquarters")
    sums = Counter[str]()
    for place in told["places"]:
        sums.update({name: place[name] for name in ("receipts", "now", "then")})
    return sums + Counter(gain=told["customers"]["gain"])


async def corrected(calling: Calling) -> dict[str, Any]:
    """Sign the draft, and return what its run has given."""
    signed = _draft() | {"reason": "our-mistake", "signed_by": str(uuid4())}
    version = (await calling.told("POST", "/v1/corrections", signed, role="headquarters"))["version"]
    return await calling.told("POST", f"/v1/corrections/{version}/run", {}, role="headquarters")


def _draft() -> dict[str, Any]:
    return {"terms": DRAFT.model_dump(mode="json"), "from": day(0).isoformat()}


def story(calling_off: UUID, stays: UUID, member: UUID) -> list[Any]:
    """Return two who buy, one of whom is a member and has a tier; they are one from the third day on, and buy."""
    hers, other = sale("1", (calling_off, 1_000), at=day(0)), sale("2", (stays, 2_000), at=day(1))
    both = sale("3", (calling_off, 700), (stays, 500), at=day(1))
    joined = hers if member == calling_off else other
    gold = TierChanged(at=day(1), customer_id=member, tier="gold", was="", spend_minor=0, policy_version=1)
    merge = CustomersMerged(at=day(2), customer_id=calling_off, into=stays, merge_id=uuid4())
    later = [sale("4", (calling_off, 3_000), at=day(3)), sale("5", (stays, 4_000), at=day(4))]
    return [hers, other, both, joining(joined, member), gold, merge, *later, refund(later[0], (1, 1_000, 2_000))]


@pytest.mark.parametrize("is_member", ["who was given up", "who stays"])
@pytest.mark.parametrize("is_split", [False, True])
async def test_it_says_what_the_correction_gives(calling: Calling, is_member: str, is_split: bool) -> None:
    plain = PublishPolicy(at=datetime.now(UTC), terms=Terms(expiry=Never()).model_dump(mode="json"))
    await perform_one(calling.running, plain, CAUSE)
    given_up, stays = uuid4(), uuid4()
    told = story(given_up, stays, given_up if is_member == "who was given up" else stays)
    (merge,) = (news for news in told if isinstance(news, CustomersMerged))
    its: dict[str, Any] = {"merged_into": merge.into, "merge_id": merge.merge_id, "merged_at": merge.at}
    await hear(calling, *told, *([CustomersSplit(at=day(5), customer_id=given_up, **its)] if is_split else []))
    kept = await calling.running.pool.fetchval("SELECT sum(kept)::int FROM receipt")
    says = await rehearsed(calling)
    run = await corrected(calling)
    assert kept == says["now"] > 0
    assert says["then"] > says["now"]
    assert (run["points"], run["customers"]) == (says["then"] - says["now"], says["gain"])
    again = await rehearsed(calling)
    assert again["now"] == again["then"] == says["then"]


@pytest.mark.parametrize("is_split", [False, True])
async def test_a_run_leaves_nobody_out_who_is_merged_or_split_between_two_pages(
    calling: Calling, monkeypatch: pytest.MonkeyPatch, is_split: bool
) -> None:
    monkeypatch.setattr(corrections, "AT_ONCE", 1)
    people = [first, _, last] = sorted(uuid4() for _ in range(3))
    given_up, into = (first, last) if is_split else (last, first)
    merge = CustomersMerged(at=day(2), customer_id=given_up, into=into, merge_id=uuid4())
    split = CustomersSplit(
        at=day(3), customer_id=given_up, merged_into=into, merge_id=merge.merge_id, merged_at=merge.at
    )
    for who in people:
        bought = sale(str(who), (who, 10_000))
        await hear(calling, bought, joining(bought, who))
    await hear(calling, *([merge] if is_split else []))
    signed = _draft() | {"reason": "our-mistake", "signed_by": str(uuid4())}
    version = (await calling.told("POST", "/v1/corrections", signed, role="headquarters"))["version"]
    run = f"/v1/corrections/{version}/run"
    told = await calling.told("POST", run, {}, role="headquarters")
    await hear(calling, split if is_split else merge)
    while told["next"]:
        told = await calling.told("POST", run, {"after": told["next"]}, role="headquarters")
    assert await calling.running.pool.fetchval("SELECT array_agg(policy_version) FROM receipt") == [version] * 3
