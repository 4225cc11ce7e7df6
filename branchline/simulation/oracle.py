"""What must be true when all of the journals has arrived, worked out from them alone. Pure; amounts are minor units.

It shares no rule with the services: it goes through finished books, while they decide event by event.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from branchline.simulation.journal import ACCEPTED, DUPLICATE, Entry

T = TypeVar("T")


class Ref(NamedTuple):
    """A receipt: its branch, its till, its number."""

    branch: str
    till: str
    number: str


class Dated(Generic[T]):
    """A policy: what holds from when on. The first holds for ever before, too."""

    def __init__(self, versions: Sequence[tuple[datetime | None, T]]) -> None:
        self._values = [value for _, value in versions]
        self._starts = [start for start, _ in versions[1:] if start is not None]

    def at(self, instant: datetime) -> T:
        """Return what holds then."""
        return self._values[bisect_right(self._starts, instant)]


@dataclass(frozen=True)
class Rules:
    """The policies: what joining takes, the points for each minor unit, and the tiers with the spend each begins at.

    `tiers` is empty where they have changed: then a tier depends on when it was last looked at.
    """

    join_minimum: Dated[int]
    rate: Dated[Fraction]
    tiers: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """An entry that counts, and where it happened."""

    branch: str
    zone: ZoneInfo
    till: str
    entry: Entry

    @property
    def at(self) -> datetime:
        """Return when it happened."""
        return datetime.fromisoformat(self.entry.item["occurred_at"])

    @property
    def on(self) -> date:
        """Return the branch's day on which it happened."""
        return self.at.astimezone(self.zone).date()


@dataclass
class Figures:
    """A branch's day."""

    receipts: int = 0
    lines: int = 0
    gross_minor: int = 0
    refunded_minor: int = 0


@dataclass
class Bought:
    """A receipt as its lines are left, each with whose it is; `whole` is what each was at first."""

    ref: Ref
    at: datetime
    owners: list[str | None]
    whole: list[int]
    left: list[int]

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Return by what receipts sort: their time, their number, their till."""
        return self.at.astimezone(UTC), int(self.ref.number), self.ref.till

    def sum_of(self, person: str, amounts: Sequence[int]) -> int:
        """Return what the person's own lines add up to."""
        return sum(amount for owner, amount in zip(self.owners, amounts, strict=True) if owner == person)


@dataclass
class Person:
    """A customer: the receipt that made her a member, if any, what each receipt earns, what she has spent, her tier."""

    joined: Ref | None = None
    joined_at: datetime | None = None
    points: dict[Ref, int] = field(default_factory=dict)
    spend_minor: int = 0
    tier: str | None = None

    @property
    def balance(self) -> int:
        """Return all points together."""
        return sum(self.points.values())


@dataclass
class Truth:
    """All that must be true."""

    days: dict[tuple[str, date], Figures] = field(default_factory=lambda: defaultdict(Figures))
    people: dict[str, Person] = field(default_factory=lambda: defaultdict(Person))


def work_out(told: Iterable[Told], rules: Rules) -> Truth:
    """Return the truth of what was told, in whatever order."""
    truth, receipts, refunds = Truth(), dict[Ref, Bought](), list[Told]()
    for one in told:
        if one.entry.must not in (ACCEPTED, DUPLICATE):
            continue
        if one.entry.item["type"] == "sale":
            _sell(one, receipts, truth)
        elif one.entry.item["type"] == "refund":
            refunds.append(one)
        elif who := name_of(one.entry.item["data"]["customer"]):
            _ = truth.people[who]
    for refund in refunds:
        _give_back(refund, receipts, truth)
    for person, bought in _by_person(receipts.values()).items():
        truth.people[person] = _stand(person, sorted(bought, key=lambda receipt: receipt.order), rules)
    return truth


def name_of(key: Mapping[str, Any] | None) -> str | None:
    """Return one name for a customer, however the till wrote it: `phone:+14165550100`."""
    if key is None:
        return None
    ((by, text),) = key.items()
    plain = "+" + "".join(letter for letter in text if letter.isdigit()) if by == "phone" else text
    return f"{by}:{plain}"


def _sell(sale: Told, receipts: dict[Ref, Bought], truth: Truth) -> None:
    data = sale.entry.item["data"]
    ref = Ref(sale.branch, sale.till, data["receipt"])
    if ref in receipts:
        return
    lines = data["lines"]
    amounts = [line["net_minor"] for line in lines]
    owners = [name_of(line.get("customer", data["customer"])) for line in lines]
    receipts[ref] = Bought(ref, sale.at, owners, amounts, list(amounts))
    day = truth.days[sale.branch, sale.on]
    day.receipts += 1
    day.lines += len(lines)
    day.gross_minor += sum(amounts)


def _give_back(refund: Told, receipts: Mapping[Ref, Bought], truth: Truth) -> None:
    data = refund.entry.item["data"]
    bought = receipts[Ref(refund.branch, data.get("till", refund.till), data["receipt"])]
    for line in data["lines"]:
        bought.left[line["line"] - 1] -= line["amount_minor"]
        truth.days[refund.branch, refund.on].refunded_minor += line["amount_minor"]


def _by_person(receipts: Iterable[Bought]) -> dict[str, list[Bought]]:
    people: dict[str, list[Bought]] = defaultdict(list)
    for receipt in receipts:
        for person in {owner for owner in receipt.owners if owner}:
            people[person].append(receipt)
    return people


def _stand(name: str, receipts: Sequence[Bought], rules: Rules) -> Person:
    """Return where somebody stands after her receipts, oldest first: from the first large one on, each earns."""
    person = Person()
    for receipt in receipts:
        left = receipt.sum_of(name, receipt.left)
        person.spend_minor += left
        if person.joined is None and receipt.sum_of(name, receipt.whole) >= rules.join_minimum.at(receipt.at):
            person.joined, person.joined_at = receipt.ref, receipt.at
        if person.joined is not None:
            person.points[receipt.ref] = int(max(0, left) * rules.rate.at(receipt.at))
    if person.joined is not None and rules.tiers:
        reached = [tier for tier in rules.tiers if tier[0] <= person.spend_minor]
        person.tier = max(reached, default=min(rules.tiers))[1]
    return person
