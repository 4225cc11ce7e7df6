"""An account as it is shown."""

from uuid import UUID, uuid4

import httpx2

from services.loyalty_points.reactions import react
from shared.message import Cause, Issued
from shared.performing import perform
from shared.running import Running
from shared.tokens import Tokens
from tests.services.stories import customer, joining, refund, sale

MEI = customer(1)
CAUSE = Cause("a test", "a test")
CUT, COLOUR = sale("1", (MEI, 8_250)), sale("2", (MEI, 1_999), branch="TOR2")


async def account(running: Running, who: UUID, role: str = "staff") -> httpx2.Response:
    headers = {"authorization": f"Bearer {Tokens(running.settings).sign(role)}"}
    async with httpx2.AsyncClient(base_url=running.settings.address("loyalty-points"), trust_env=False) as client:
        return await client.get(f"/v1/accounts/{who}", headers=headers)


async def test_an_account_shows_its_balance_and_the_entries_that_make_it(answering: Running) -> None:
    for news in (CUT, joining(CUT, MEI), COLOUR, refund(CUT, (1, 250, 8_000))):
        await perform(answering, [Issued(command, CAUSE) for command in react(news)])
    shown = (await account(answering, MEI)).json()
    entries = shown.pop("entries")
    assert shown == {
        "customer_id": str(MEI),
        "merged": [],
        "balance": 99,
        "available": 99,
        "pending": 0,
        "reserved": 0,
        "debt": 0,
        "next_expiry": None,
        "earned": 101,
        "taken_back": 2,
        "redeemed": 0,
        "expired": 0,
        "forgiven": 0,
        "member_since": "2026-03-01T15:00:00Z",
    }
    told = [(e["kind"], e["points"], e["balance"], e["branch"], e["sale_id"], e["on"]) for e in entries]
    assert told == [
        ("earned", 82, 82, "TOR1", str(CUT.sale_id), "2026-03-01"),
        ("earned", 19, 101, "TOR2", str(COLOUR.sale_id), "2026-03-01"),
        ("taken-back", 2, 99, "TOR1", str(CUT.sale_id), "2026-03-01"),
    ]
    assert {e["policy_version"] for e in entries} == {1}


async def test_an_account_of_nobody_is_not_shown(answering: Running) -> None:
    answer = await account(answering, uuid4())
    assert (answer.status_code, answer.json()["code"]) == (404, "account-unknown")


async def test_accounts_are_for_people_not_for_tills(answering: Running) -> None:
    answer = await account(answering, MEI, "till")
    assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")
