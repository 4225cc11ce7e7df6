"""What the services say of branches and customers, asked over HTTP once all has arrived."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from branchline.office import As, Office
from branchline.simulation.oracle import Figures

PEOPLE_A_CALL = 500
PAGE = 100  # what every list gives at once
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
    members = await _listed(office, "membership", "members")
    accounts = await _listed(office, "loyalty-points", "accounts")
    shown = await _listed(office, "projection", "customers")
    books.people = {
        name: _person(members.get(who, {}), accounts.get(who, {}), shown.get(who, {})) for name, who in ids.items()
    }
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


async def _listed(office: Office, service: str, what: str) -> Mapping[str, Mapping[str, Any]]:
    """Return by customer all that a service lists, read page by page."""
    listed: dict[str, Mapping[str, Any]] = {}
    after = ""
    while True:
        page = await office.ask(service, "GET", f"/v1/{what}?limit={PAGE}{after}")
        listed |= {one["customer_id"]: one for one in page[what]}
        if not page["next"]:
            return listed
        after = f"&after={page['next']}"


def _person(member: Mapping[str, Any], account: Mapping[str, Any], shown: Mapping[str, Any]) -> Standing:
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
        shown_balance=_kept(shown.get("points", {})),
        shown_spend_minor=shown.get("spend_minor", 0),
    )


def _kept(points: Mapping[str, Any]) -> int:
    """Return what was not taken back: simulated tills do not redeem, and may sell in a year that is over."""
    return sum(int(points.get(name, 0)) for name in ("balance", "pending", "expired"))
