"""What is sent wrong of rewards and allowances: each its code, and nothing changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.services.loyalty_points.desk import Desk

CREAM = {"title": "Hand cream", "kind": "gift", "points": 3, "counted": True, "branches": ["TOR1", "TOR2"]}
COUPON = {"title": "A coupon", "kind": "coupon", "points": 3, "offer": "welcome"}
ENDED = {"benefit": {"kind": "percent", "payable": "0.8"}, "total": 0}
TAKE = {"redemption_id": str(uuid4()), "branch": "TOR1"}
PUT_BY = {"hold_id": str(uuid4()), "branch": "TOR1", "seconds": 60}
ALLOW = {"allowance_id": str(uuid4()), "branch": "TOR1", "till": "TOR1-1", "points": 1, "until": "{soon}"}
REVERSE = {"reason": "wrong-gift"}

TABLE: dict[str, tuple[str, Any, int, str]] = {
    "a reward for nobody": ("/{nobody}/rewards/cream/redeem", TAKE, 404, "account-unknown"),
    "a reward put by for nobody": ("/{nobody}/rewards/cream/hold", PUT_BY, 404, "account-unknown"),
    "nobody's redemption given back": ("/{nobody}/redemptions/{nobody}/reverse", REVERSE, 404, "account-unknown"),
    "an allowance of nobody": ("/{nobody}/allowances", ALLOW, 404, "account-unknown"),
    "no such reward": ("/{mei}/rewards/pony/redeem", TAKE, 409, "reward-unknown"),
    "no such reward put by": ("/{mei}/rewards/pony/hold", PUT_BY, 409, "reward-unknown"),
    "a reward that costs too much": ("/{mei}/rewards/scarf/redeem", TAKE, 409, "not-enough-points"),
    "one of an empty shelf": ("/{mei}/rewards/cream/redeem", TAKE, 409, "reward-out-of-stock"),
    "one elsewhere": ("/{mei}/rewards/cream/redeem", TAKE | {"branch": "VAN1"}, 409, "reward-not-here"),
    "a coupon put by": ("/{mei}/rewards/voucher/hold", PUT_BY, 409, "coupon-not-put-by"),
    "a coupon of an offer that has ended": ("/{mei}/rewards/voucher/redeem", TAKE, 409, "offer-exhausted"),
    "no branch": ("/{mei}/rewards/scarf/redeem", {"redemption_id": str(uuid4())}, 422, "malformed"),
    "a branch in a sentence": ("/{mei}/rewards/scarf/redeem", TAKE | {"branch": "at home"}, 422, "malformed"),
    "a reward by a hold's name": (
        "/{mei}/rewards/scarf/redeem",
        TAKE | {"redemption_id": "{held}"},
        409,
        "redemption-differs",
    ),
    "a reward put by a hold's name": ("/{mei}/rewards/scarf/hold", PUT_BY | {"hold_id": "{held}"}, 409, "hold-differs"),
    "put by for no time": ("/{mei}/rewards/scarf/hold", PUT_BY | {"seconds": 0}, 422, "malformed"),
    "put by for ever": ("/{mei}/rewards/scarf/hold", PUT_BY | {"seconds": 2**63}, 422, "malformed"),
    "what was not redeemed": ("/{mei}/redemptions/{nobody}/reverse", REVERSE, 409, "redemption-unknown"),
    "what is held": ("/{mei}/redemptions/{held}/reverse", REVERSE, 409, "redemption-unknown"),
    "another's redemption": ("/{li}/redemptions/{captured}/reverse", REVERSE, 409, "redemption-unknown"),
    "no reason": ("/{mei}/redemptions/{captured}/reverse", {}, 422, "malformed"),
    "a reason in a sentence": (
        "/{mei}/redemptions/{captured}/reverse",
        {"reason": "Mei is nice"},
        422,
        "malformed",
    ),
    "an allowance of nothing": ("/{mei}/allowances", ALLOW | {"points": 0}, 422, "points-invalid"),
    "less than nothing": ("/{mei}/allowances", ALLOW | {"points": -1}, 422, "points-invalid"),
    "more than can be counted": ("/{mei}/allowances", ALLOW | {"points": 2**63}, 422, "points-invalid"),
    "half a point": ("/{mei}/allowances", ALLOW | {"points": 0.5}, 422, "malformed"),
    "more than she has": ("/{mei}/allowances", ALLOW | {"points": 6}, 409, "not-enough-points"),
    "more than a till may hold": ("/{mei}/allowances", ALLOW | {"points": 501}, 409, "allowance-too-large"),
    "until yesterday": ("/{mei}/allowances", ALLOW | {"until": "{past}"}, 409, "hold-over"),
    "until next year": ("/{mei}/allowances", ALLOW | {"until": "{far}"}, 422, "allowance-too-long"),
    "until some time": ("/{mei}/allowances", ALLOW | {"until": "some time"}, 422, "malformed"),
    "until a time of nowhere": ("/{mei}/allowances", ALLOW | {"until": "2026-11-22T10:00:00"}, 422, "malformed"),
    "by a hold's name": ("/{mei}/allowances", ALLOW | {"allowance_id": "{held}"}, 409, "hold-differs"),
    "for the till of nobody": ("/{mei}/allowances", ALLOW | {"till": ""}, 422, "malformed"),
    "captured at the desk": ("/{li}/holds/{allowance}/capture", {"points": 1}, 409, "hold-of-a-till"),
    "released at the desk": ("/{li}/holds/{allowance}/release", None, 409, "hold-of-a-till"),
    "another till's by its name": (
        "/{li}/allowances",
        ALLOW | {"allowance_id": "{allowance}", "till": "TOR1-2"},
        409,
        "hold-differs",
    ),
}


async def described(desk: Desk) -> dict[str, str]:
    """Describe the rewards, let a till have points of Li's; return the names that the table fills in."""
    for code, more in (("cream", {}), ("scarf", {"points": 6, "counted": False, "branches": []})):
        assert (await desk.call("PUT", f"/v1/rewards/{code}", CREAM | more)).status_code == 200
    assert (await desk.call("PUT", "/v1/coupon-offers/welcome", ENDED)).status_code == 200
    assert (await desk.call("PUT", "/v1/rewards/voucher", COUPON)).status_code == 200
    now = datetime.now(UTC)
    instants = {"soon": now + timedelta(hours=1), "past": now - timedelta(days=1), "far": now + timedelta(days=365)}
    named = {name: at.isoformat() for name, at in instants.items()}
    named |= {name: str(getattr(desk, name)) for name in ("mei", "li", "held", "captured", "lapsed")}
    named |= {"nobody": str(uuid4()), "allowance": str(uuid4())}
    allowed = ALLOW | {"allowance_id": named["allowance"], "until": named["soon"]}
    assert (await desk.post(f"/{desk.li}/allowances", allowed)).status_code == 200
    return named


async def test_each_has_its_code_and_changes_nothing(desk: Desk) -> None:
    named = await described(desk)
    before = [await desk.get(who) for who in (desk.mei, desk.li)]
    shelf = (await desk.call("GET", "/v1/rewards")).json()
    for what, (path, body, status, code) in TABLE.items():
        filled = body and {k: v.format(**named) if isinstance(v, str) else v for k, v in body.items()}
        answer = await desk.post(path.format(**named), filled)
        assert (answer.status_code, answer.json()["code"]) == (status, code), what
    assert [await desk.get(who) for who in (desk.mei, desk.li)] == before
    assert (await desk.call("GET", "/v1/rewards")).json() == shelf


REWARDS: dict[str, tuple[str, str, Any, int, str]] = {
    "a price of nothing": ("PUT", "/cream", CREAM | {"points": 0}, 422, "malformed"),
    "a price below nothing": ("PUT", "/cream", CREAM | {"points": -3}, 422, "malformed"),
    "a price beyond counting": ("PUT", "/cream", CREAM | {"points": 2**63}, 422, "malformed"),
    "half a point": ("PUT", "/cream", CREAM | {"points": 0.5}, 422, "malformed"),
    "a kind that is none": ("PUT", "/cream", CREAM | {"kind": "pony"}, 422, "malformed"),
    "a coupon, and not of which offer": ("PUT", "/cream", CREAM | {"kind": "coupon"}, 422, "malformed"),
    "a gift of an offer": ("PUT", "/cream", CREAM | {"offer": "welcome"}, 422, "malformed"),
    "a coupon of an offer in a sentence": ("PUT", "/cream", COUPON | {"offer": "10% off"}, 422, "malformed"),
    "a coupon of no offer that there is": ("PUT", "/cream", COUPON | {"offer": "pony"}, 409, "offer-unknown"),
    "money off, and not how much": ("PUT", "/cream", CREAM | {"kind": "money-off"}, 422, "malformed"),
    "a code in a sentence": ("PUT", "/hand cream", CREAM, 422, "malformed"),
    "withdrawn without a reason": ("POST", "/cream/withdraw", {}, 422, "malformed"),
    "none withdrawn": ("POST", "/pony/withdraw", {"reason": "over"}, 404, "reward-unknown"),
    "none counted": ("POST", "/pony/stock", {"change": 1, "reason": "new"}, 404, "reward-unknown"),
    "fewer than none": ("POST", "/cream/stock", {"change": -1, "reason": "lost"}, 409, "stock-below-zero"),
    "more than there can be": ("POST", "/cream/stock", {"change": 2**63, "reason": "new"}, 422, "malformed"),
    "what is not counted": ("POST", "/scarf/stock", {"change": 1, "reason": "new"}, 409, "stock-not-counted"),
    "a stock in words": ("POST", "/cream/stock", {"change": "1", "reason": "new"}, 422, "malformed"),
}


async def test_headquarters_is_told_what_is_wrong_with_a_reward(desk: Desk) -> None:
    await described(desk)
    shelf = (await desk.call("GET", "/v1/rewards")).json()
    for what, (method, path, body, status, code) in REWARDS.items():
        answer = await desk.call(method, f"/v1/rewards{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), what
        staff = await desk.call(method, f"/v1/rewards{path}", body, role="staff")
        assert (staff.status_code, staff.json()["code"]) == (403, "role-not-allowed"), what
    assert (await desk.call("GET", "/v1/rewards")).json() == shelf


async def test_a_branchs_token_is_good_there_alone_and_a_tills_for_itself(desk: Desk) -> None:
    named = await described(desk)
    allow = ALLOW | {"until": named["soon"]}
    path, till = f"/{desk.mei}/allowances", {"role": "till", "branch": "TOR1"}
    for body, who, code in (
        (allow, {"role": "staff", "branch": "TOR2"}, "branch-foreign"),
        (allow, {"role": "till", "branch": "TOR2", "subject": "TOR1-1"}, "branch-foreign"),
        (allow, till | {"subject": "TOR1-2"}, "till-foreign"),
    ):
        answer = await desk.post(path, body, **who)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert (await desk.post(path, allow, **till, subject="TOR1-1")).status_code == 200
    taken = await desk.post(f"/{desk.mei}/rewards/scarf/redeem", TAKE, role="staff", branch="TOR2")
    assert (taken.status_code, taken.json()["code"]) == (403, "branch-foreign")
