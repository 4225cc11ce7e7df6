"""What the services say of an imported branch, client by client: members, their joining receipts, points."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from contracts.pos import sale_id
from tests.cell import Cell
from tests.journeys.salon import Expected

BRANCH = "TOR1"
TILL = "TOR1-import"
AT_ONCE = 500


async def summary(cell: Cell, **asked: str) -> dict[str, Any]:
    """Return the figures of headquarters."""
    answer = await cell.client("projection").get("/v1/chain/summary", params=asked)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


async def events(cell: Cell) -> dict[str, int]:
    """Return how many events each service has recorded."""
    return {name: (await cell.client(name).get("/v1/status")).json()["feed"]["number"] for name in cell.services}


async def seen(cell: Cell, clients: Collection[str], numbers: Iterable[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what the services have in the form of `Expected.joined` and `Expected.points`."""
    receipts: dict[UUID, str] = {sale_id(BRANCH, TILL, number): number for number in numbers}
    ids = await ids_of(cell, sorted(clients))
    members = await _members(cell)
    points = {client: await _points(cell, customer, receipts) for client, customer in ids.items()}
    return {client: receipts[members[customer]] for client, customer in ids.items() if customer in members}, points


def figures(told: Expected) -> dict[str, Any]:
    """Return what headquarters must show of it."""
    earned = sum(sum(receipts.values()) for receipts in told.points.values())
    return {
        "receipts": told.receipts,
        "lines": told.lines,
        "gross_minor": int(told.net * 100),
        "refunded_minor": 0,
        "net_minor": int(told.net * 100),
        "customers": len(told.points),
        "members": len(told.joined),
        "points": {"earned": earned, "taken_back": 0, "redeemed": 0, "expired": earned, "outstanding": 0},
    }


async def ids_of(cell: Cell, clients: list[str]) -> dict[str, UUID]:
    """Return the ids of clients by their codes in the export."""
    ids: dict[str, UUID] = {}
    for start in range(0, len(clients), AT_ONCE):
        some = clients[start : start + AT_ONCE]
        people = [{"system": BRANCH, "client": client} for client in some]
        answer = await cell.client("membership", "service").post("/v1/vault/resolve", json={"people": people})
        answer.raise_for_status()
        ids |= {c: UUID(one["customer_id"]) for c, one in zip(some, answer.json()["people"], strict=True)}
    return ids


async def _members(cell: Cell) -> dict[UUID, UUID]:
    members: dict[UUID, UUID] = {}
    asked: dict[str, Any] = {"limit": AT_ONCE}
    while True:
        page = (await cell.client("membership").get("/v1/members", params=asked)).json()
        members |= {UUID(one["customer_id"]): UUID(one["sale_id"]) for one in page["members"]}
        if not page["next"]:
            return members
        asked["after"] = page["next"]


async def _points(cell: Cell, customer: UUID, receipts: dict[UUID, str]) -> dict[str, int]:
    answer = await cell.client("loyalty-points").get(f"/v1/accounts/{customer}")
    if answer.status_code == 404:
        return {}
    account = answer.json()
    points = {receipts[UUID(e["sale_id"])]: e["points"] for e in account["entries"] if e["kind"] == "earned"}
    assert {entry["kind"] for entry in account["entries"]} <= {"earned", "expired"}
    assert account["balance"] == 0
    assert account["expired"] == sum(points.values())
    return points


async def has_come_true(at_work: Cell, told: Expected, numbers: set[str]) -> None:
    """Compare what the services have with what must have come of an export."""
    joined, points = await seen(at_work, told.points.keys(), numbers)
    assert joined == told.joined
    assert points == told.points
    whole = await summary(at_work)
    assert {name: whole[name] for name in figures(told)} == figures(told)
