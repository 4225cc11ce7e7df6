"""What the services say of the simulated branches and customers, asked over HTTP once all has arrived."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from branchline.office import As, Office, Refused
from branchline.simulation.oracle import Figures

T = TypeVar("T")
PEOPLE_A_CALL = 500
PAGE = 500
AT_ONCE = 16
SIMULATION = As("service", subject="simulation")


@dataclass
class Standing:
    """A customer as the services have her. `joined` is the id of a sale; `shown_*` is what headquarters' view says."""

    joined: str | None = None
    joined_at: datetime | None = None
    tier: str | None = None
    balance: int = 0
    debt: int = 0
    points: dict[str, int] = field(default_factory=dict)
    shown_balance: int = 0
    shown_spend_minor: int = 0


@dataclass(frozen=True)
class TillSeen:
    """How far a till has come: the highest number, what is missing below it, and how much was set aside."""

    high: int
    missing: tuple[tuple[int, int], ...] = ()
    parked: int = 0


@dataclass
class Books:
    """All that the services say."""

    days: dict[tuple[str, date], Figures] = field(default_factory=dict)
    people: dict[str, Standing] = field(default_factory=dict)
    tills: dict[str, TillSeen] = field(default_factory=dict)


async def read_books(office: Office, branches: Collection[str], days: Iterable[date], names: Collection[str]) -> Books:
    """Return what the services say of these branches, on these days, and of these people."""
    books = Books()
    for day in days:
        books.days |= await _day(office, branches, day)
    ids = await _resolve(office, sorted(names))
    members = {one["customer_id"]: one for one in await _paged(office, "membership", "members")}
    shown = {one["customer_id"]: one for one in await _paged(office, "projection", "customers")}

    async def person(name: str) -> tuple[str, Standing]:
        return name, await _person(office, ids[name], members.get(ids[name], {}), shown.get(ids[name], {}))

    books.people = dict(await _each(person, sorted(names)))
    books.tills = await read_tills(office)
    return books


async def read_tills(office: Office) -> dict[str, TillSeen]:
    """Return how far each till has come."""
    told = await office.ask("pos", "GET", "/v1/tills")
    return {
        till["till"]: TillSeen(till["high"], tuple((first, last) for first, last in till["missing"]), till["parked"])
        for till in told
    }


async def _day(office: Office, branches: Collection[str], day: date) -> dict[tuple[str, date], Figures]:
    told = await office.ask("projection", "GET", f"/v1/chain/summary?from={day}&to={day}")
    return {
        (one["code"], day): Figures(one["receipts"], one["lines"], one["gross_minor"], one["refunded_minor"])
        for one in told["branches"]
        if one["code"] in branches
    }


async def _resolve(office: Office, names: list[str]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for start in range(0, len(names), PEOPLE_A_CALL):
        some = names[start : start + PEOPLE_A_CALL]
        people = [dict([name.split(":", 1)]) for name in some]
        told = await office.ask("membership", "POST", "/v1/vault/resolve", {"people": people}, who=SIMULATION)
        ids |= {name: one["customer_id"] for name, one in zip(some, told["people"], strict=True)}
    return ids


async def _paged(office: Office, service: str, what: str) -> list[Mapping[str, Any]]:
    """Return all that a service lists, page by page."""
    listed: list[Mapping[str, Any]] = []
    after = ""
    while True:
        page = await office.ask(service, "GET", f"/v1/{what}?limit={PAGE}{after}")
        listed += page[what]
        if not page["next"]:
            return listed
        after = f"&after={page['next']}"


async def _person(office: Office, customer_id: str, member: Mapping[str, Any], shown: Mapping[str, Any]) -> Standing:
    held = shown.get("points", {})
    account = await _known(office, "loyalty-points", f"/v1/accounts/{customer_id}")
    points: dict[str, int] = {}
    for entry in account.get("entries", ()):
        if entry["kind"] not in ("earned", "taken-back"):
            continue
        sign = 1 if entry["kind"] == "earned" else -1
        points[entry["sale_id"]] = points.get(entry["sale_id"], 0) + sign * entry["points"]
    return Standing(
        joined=member.get("sale_id"),
        joined_at=datetime.fromisoformat(member["joined_at"]) if member else None,
        tier=member.get("tier"),
        balance=_kept(account),
        debt=account.get("debt", 0),
        points={sale: left for sale, left in points.items() if left},
        shown_balance=_kept(held),
        shown_spend_minor=shown.get("spend_minor", 0),
    )


def _kept(points: Mapping[str, Any]) -> int:
    """Return what was not taken back: simulated tills do not redeem, and may sell in a year that is over."""
    return sum(int(points.get(name, 0)) for name in ("balance", "pending", "expired"))


async def _known(office: Office, service: str, path: str) -> Mapping[str, Any]:
    """Return the answer; nothing where the service has not heard of whom it is about."""
    try:
        told: Mapping[str, Any] = await office.ask(service, "GET", path)
    except Refused as refused:
        if refused.status == 404:
            return {}
        raise
    return told


async def _each(ask: Callable[[str], Awaitable[T]], names: Collection[str]) -> list[T]:
    """Return the answers for all names, some at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> T:
        async with room:
            return await ask(name)

    return list(await asyncio.gather(*(one(name) for name in names)))
