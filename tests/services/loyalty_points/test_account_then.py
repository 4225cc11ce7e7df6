"""An account is asked how it stood, and why: over HTTP, and what is asked wrong."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from shared.running import Running
from tests.services.loyalty_points.asking import ask, hear
from tests.services.stories import joining, sale

MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


async def test_a_receipt_that_is_heard_late_is_in_the_balance_of_its_day_unless_it_was_not_known(
    answering: Running,
) -> None:
    who = uuid4()
    account = f"accounts/{who}"
    first, late = sale("1", (who, 1_000), at=MONDAY), sale("2", (who, 500), at=MONDAY, till="TOR1-2")
    before = await hear(answering, first, joining(first, who))
    then = (await ask(answering, account)).json()
    await hear(answering, late)
    day = TUESDAY.isoformat()
    assert (await ask(answering, account, as_of=day)).json()["available"] == 15
    assert (await ask(answering, account, as_of=day, known_at=before.isoformat())).json()["available"] == 10
    assert (await ask(answering, account, as_of=(MONDAY - timedelta(days=1)).isoformat())).json()["available"] == 0
    again = (await ask(answering, account, as_of=before.isoformat(), known_at=before.isoformat())).json()
    assert datetime.fromisoformat(again.pop("as_of")) == datetime.fromisoformat(again.pop("known_at")) == before
    assert again == then
    now = (await ask(answering, account, as_of="2199-01-01T00:00:00Z", known_at="2199-01-01T00:00:00Z")).json()
    assert datetime.fromisoformat(now["known_at"]) < datetime.now(UTC) + timedelta(minutes=1)


async def test_a_figure_is_explained_by_the_receipts_behind_it(answering: Running) -> None:
    who = uuid4()
    first = sale("1003", (who, 1_000), at=MONDAY, till="TOR1-2")
    await hear(answering, first, joining(first, who))
    why = (await ask(answering, f"accounts/{who}/explain", figure="available")).json()
    (part,) = why.pop("parts")
    assert (why["figure"], why["points"], part["points"]) == ("available", 10, 10)
    assert part["event"].pop("recorded_at")
    assert part["event"] == {
        "id": f"account-{who}/3",
        "name": "PointsEarned",
        "at": "2026-03-02T15:00:00Z",
        "branch": "TOR1",
        "policy_version": part["lot"]["policy_version"],
        "receipt": {"sale_id": str(first.sale_id), "branch": "TOR1", "till": "TOR1-2", "number": "1003"},
    }
    assert part["lot"]["earned_by"] == f"account-{who}/3"
    assert part["lot"]["policy_version"] >= 1


TABLE: dict[str, tuple[str, dict[str, str], int, str]] = {
    "nobody": ("{nobody}", {"as_of": "2026-03-02T15:00:00Z"}, 404, "account-unknown"),
    "no customer": ("mei", {}, 422, "malformed"),
    "a day for an instant": ("{who}", {"as_of": "2026-03-02"}, 422, "malformed"),
    "an instant of no zone": ("{who}", {"as_of": "2026-03-02T15:00:00"}, 422, "malformed"),
    "no instant": ("{who}", {"as_of": "yesterday"}, 422, "malformed"),
    "before all chains": ("{who}", {"as_of": "1999-12-31T23:59:59Z"}, 422, "malformed"),
    "after all chains": ("{who}", {"as_of": "9999-12-31T23:59:59Z"}, 422, "malformed"),
    "beyond the calendar": ("{who}", {"as_of": "9999-12-31T23:59:59-14:00"}, 422, "malformed"),
    "knowledge of no zone": ("{who}", {"known_at": "2026-03-02T15:00:00"}, 422, "malformed"),
    "knowledge before all chains": ("{who}", {"known_at": "0001-01-01T00:00:00Z"}, 422, "malformed"),
    "nobody explained": ("{nobody}/explain", {"figure": "available"}, 404, "account-unknown"),
    "no figure": ("{who}/explain", {}, 422, "malformed"),
    "a figure that is none": ("{who}/explain", {"figure": "happiness"}, 422, "malformed"),
    "a figure of no instant": ("{who}/explain", {"figure": "debt", "as_of": "9" * 400}, 422, "malformed"),
}


async def test_each_wrong_question_has_its_code(answering: Running) -> None:
    named = {"who": str(uuid4()), "nobody": str(uuid4())}
    first = sale("1", (UUID(named["who"]), 1_000))
    await hear(answering, first, joining(first, UUID(named["who"])))
    before = (await ask(answering, f"accounts/{named['who']}")).json()
    for what, (path, asked, status, code) in TABLE.items():
        answer = await ask(answering, "accounts/" + path.format(**named), **asked)
        assert (answer.status_code, answer.json()["code"]) == (status, code), what
    assert (await ask(answering, f"accounts/{named['who']}")).json() == before


async def test_tills_are_told_neither(answering: Running) -> None:
    for path in ("", "/explain?figure=debt"):
        assert (await ask(answering, f"accounts/{uuid4()}{path}", role="till")).status_code == 403
