"""A branch with its tills, what tills say, and what they are answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson

from contracts.pos import EVENTS
from shared.message import Event, Vocabulary
from shared.running import Running
from shared.settings import Settings
from shared.tokens import Tokens

MORNING = datetime(2026, 11, 20, 15, tzinfo=UTC)
ACCEPTED, DUPLICATE = ("accepted", None), ("duplicate", None)

_HISTORY = """
SELECT type, shape, data::text AS data FROM event
WHERE data ->> 'branch' = $1 ORDER BY seq
"""
_TOLD = Vocabulary(EVENTS)

Item = dict[str, Any]
Answered = tuple[str, str | None]


def parked(code: str) -> Answered:
    """Return what an item is answered that was set aside for this."""
    return "parked", code


def line(net_minor: Any, **more: Any) -> dict[str, Any]:
    """Return a line of a receipt."""
    return {"code": "CUT", "name": "Cut", "kind": "service", "list_minor": net_minor, "net_minor": net_minor} | more


def sale(seq: Any, receipt: str, *lines: int | dict[str, Any], minutes: int = 0, **more: Any) -> Item:
    """Return a sale of these lines, or net amounts; one of 50.00 when there are none."""
    told = [one if isinstance(one, dict) else line(one) for one in lines or (50_00,)]
    data = {"receipt": receipt, "currency": "CAD", "lines": told, **more}
    return {"seq": seq, "type": "sale", "occurred_at": clock(minutes), "data": data}


def refund(seq: Any, receipt: str, *backs: tuple[int, int], minutes: int = 60, **more: Any) -> Item:
    """Return a refund of amounts by line."""
    lines = [{"line": number, "amount_minor": amount} for number, amount in backs]
    data = {"receipt": receipt, "currency": "CAD", "lines": lines, **more}
    return {"seq": seq, "type": "refund", "occurred_at": clock(minutes), "data": data}


def points(seq: Any, receipt: str, spent: Any, customer: Any, minutes: int = 0) -> Item:
    """Return points that somebody spent on a receipt."""
    data = {"receipt": receipt, "customer": customer, "points": spent}
    return {"seq": seq, "type": "points", "occurred_at": clock(minutes), "data": data}


def check_in(seq: Any, customer: Any = None) -> Item:
    """Return a visit's beginning."""
    return {"seq": seq, "type": "check-in", "occurred_at": clock(0), "data": {"customer": customer}}


def clock(minutes: int) -> str:
    """Return a time of the day as a till says it."""
    return (MORNING + timedelta(minutes=minutes)).isoformat()


def chain_of(*branches: str) -> dict[str, Any]:
    """Return a chain in which each branch has two tills, and a third that imports."""
    zones = [{"code": code, "name": code, "zone": "America/Toronto", "region": "east"} for code in branches]
    tills = [
        {"till": f"{code}-{till}", "branch": code, "kind": "import" if till == "import" else "till"}
        for code in branches
        for till in (1, 2, "import")
    ]
    return {"chain": "Demo", "currency": "CAD", "branches": zones, "tills": tills}


@dataclass(frozen=True)
class Shop:
    """A branch of a chain, and whoever calls the tills' service about it."""

    branch: str
    settings: Settings
    pos: Running
    client: httpx2.AsyncClient

    @property
    def tills(self) -> tuple[str, str, str]:
        """Return the codes of the two tills, and of the one that imports."""
        return f"{self.branch}-1", f"{self.branch}-2", f"{self.branch}-import"

    async def send(self, *items: Any, till: str | None = None) -> list[Answered]:
        """Return what each item was answered: its outcome and its code. The first till sends, or that one."""
        return [(one["outcome"], one["code"]) for one in await self.answers(*items, till=till)]

    async def answers(self, *items: Any, till: str | None = None) -> list[dict[str, Any]]:
        """Return the answers in full."""
        answer = await self.post({"items": items}, till=till)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["till"] == (till or self.tills[0])
        assert len(told["items"]) == len(items)
        return list(told["items"])

    async def post(self, body: Any, *, till: str | None = None, token: str | None = None) -> httpx2.Response:
        """Post a body, as bytes or to be written as JSON, with the till's own token where no other is given."""
        till = till or self.tills[0]
        token = self.sign("till", branch=self.branch, subject=till) if token is None else token
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        return await self.client.post(f"/v1/tills/{till}/events", content=content, headers=headers)

    async def put_chain(self, told: Any) -> httpx2.Response:
        """Describe the chain."""
        headers = {"authorization": f"Bearer {self.sign('headquarters')}"}
        return await self.client.put("/v1/chain", json=told, headers=headers)

    async def get(self, path: str, role: str = "headquarters", branch: str | None = None) -> Any:
        """Return what somebody is shown."""
        headers = {"authorization": f"Bearer {self.sign(role, branch=branch)}"}
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def till(self, till: str | None = None) -> dict[str, Any]:
        """Return a till as headquarters sees it."""
        (found,) = [one for one in await self.get("/v1/tills") if one["till"] == (till or self.tills[0])]
        return dict(found)

    async def told(self, *of: type[Event]) -> Sequence[Any]:
        """Return what the service has said of this branch: all of it, or only these kinds."""
        rows = await self.pos.pool.fetch(_HISTORY, self.branch)
        events = [_TOLD.read(row["type"], row["shape"], row["data"]) for row in rows]
        return [event for event in events if not of or isinstance(event, of)]

    def sign(self, role: str, **claims: Any) -> str:
        """Return a token."""
        return Tokens(self.settings).sign(role, **claims)
