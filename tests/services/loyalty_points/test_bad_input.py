"""What the desk sends wrong: each its code, and nothing of the account changes."""

from typing import Any
from uuid import uuid4

from tests.services.loyalty_points.desk import Desk

HOLD = {"hold_id": str(uuid4()), "points": 1, "seconds": 60}
REDEEM = {"redemption_id": str(uuid4()), "points": 1}
TAKEN = REDEEM | {"redemption_id": "{held}"}
FORGIVE = {"forgiveness_id": str(uuid4()), "points": 1, "reason": "x"}

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
        FORGIVE | {"points": 2**63},
        422,
        "points-invalid",
    ),
    "half a point": ("/{mei}/redemptions", REDEEM | {"points": 1.5}, 422, "malformed"),
    "a point in words": ("/{mei}/redemptions", REDEEM | {"points": "1"}, 422, "malformed"),
    "a point too much of a field": ("/{mei}/redemptions", REDEEM | {"tip": 1}, 422, "malformed"),
    "no time": ("/{mei}/holds", HOLD | {"seconds": 0}, 422, "malformed"),
    "all the time": ("/{mei}/holds", HOLD | {"seconds": 10**9}, 422, "malformed"),
    "a reason in a sentence": ("/{mei}/debt/forgive", FORGIVE | {"reason": "Mei is nice"}, 422, "malformed"),
    "a debt let go under no name": ("/{mei}/debt/forgive", {"points": 1, "reason": "x"}, 422, "malformed"),
    "nothing asked, approved": ("/{mei}/debt/forgivings/{nobody}/approve", None, 409, "forgiveness-unknown"),
    "nothing asked, declined": ("/{mei}/debt/forgivings/{nobody}/decline", None, 409, "forgiveness-unknown"),
    "approved for nobody": ("/{nobody}/debt/forgivings/{nobody}/approve", None, 404, "account-unknown"),
    "declined for nobody": ("/{nobody}/debt/forgivings/{nobody}/decline", None, 404, "account-unknown"),
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
