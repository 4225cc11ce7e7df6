"""Receipts, refunds and joinings, told in any order and any number of times. Amounts are minor units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from contracts.membership import BirthdayMonthTold, MembershipMovedEarlier, MembershipStarted, TierChanged
from contracts.pos import LineKind, RefundedLine, SaleLine, SaleRecorded, SaleRefunded, sale_id

FIRST_DAY = datetime(2026, 3, 1, 15, tzinfo=UTC)
BRANCH = "TOR1"
CHAIN = UUID("00000000-0000-5000-8000-000000000001")

Joining: TypeAlias = MembershipStarted | MembershipMovedEarlier
TraitTold: TypeAlias = TierChanged | BirthdayMonthTold
Told: TypeAlias = SaleRecorded | SaleRefunded | Joining | TraitTold


def customer(number: int) -> UUID:
    """Return the id of a customer of a story."""
    return uuid5(CHAIN, f"customer {number}")


def sale(
    number: str,
    *lines: tuple[UUID | None, int],
    at: datetime = FIRST_DAY,
    till: str = "TOR1-1",
    branch: str = BRANCH,
    zone: str = "America/Toronto",
    title: str = "Cut",
) -> SaleRecorded:
    """Return a receipt whose lines belong to these customers and are worth these amounts."""
    sold = tuple(
        SaleLine(
            line=line,
            code="CUT",
            name=title,
            kind=LineKind.SERVICE,
            quantity=1,
            list_minor=net_minor,
            net_minor=net_minor,
            customer_id=whose,
        )
        for line, (whose, net_minor) in enumerate(lines, start=1)
    )
    return SaleRecorded(
        at=at,
        sale_id=sale_id(branch, till, number),
        branch=branch,
        till=till,
        number=number,
        zone=zone,
        on=at.astimezone(ZoneInfo(zone)).date(),
        currency="CAD",
        lines=sold,
        net_minor=sum(one.net_minor for one in sold),
    )


def refund(of: SaleRecorded, *lines: tuple[int, int, int], at: datetime | None = None) -> SaleRefunded:
    """Return a refund of lines: number, amount given back, and what is left."""
    refunded = tuple(
        RefundedLine(line=line, customer_id=of.lines[line - 1].customer_id, refunded_minor=back, left_minor=left)
        for line, back, left in lines
    )
    at = at or of.at + timedelta(days=1)
    return SaleRefunded(
        at=at,
        sale_id=of.sale_id,
        branch=of.branch,
        till=of.till,
        number=of.number,
        sold_at=of.at,
        sold_on=of.on,
        zone=of.zone,
        on=at.astimezone(ZoneInfo(of.zone)).date(),
        currency=of.currency,
        lines=refunded,
        refunded_minor=sum(back for _, back, _ in lines),
    )


def joining(of: SaleRecorded, who: UUID, *, moved: bool = False) -> Joining:
    """Return the news that a customer has joined by a receipt."""
    kind = MembershipMovedEarlier if moved else MembershipStarted
    return kind(
        at=of.at, customer_id=who, sale_id=of.sale_id, branch=of.branch, joined_order=of.order, policy_version=1
    )


@dataclass(frozen=True)
class Story:
    """What happened, each once, and how it is told: in any order, with repeats, a refund never before its sale."""

    happened: tuple[Told, ...]
    telling: tuple[int, ...]

    @property
    def told(self) -> list[Told]:
        """Return what is told, in order."""
        sales = {e.sale_id: e for e in self.happened if isinstance(e, SaleRecorded)}
        told: list[Told] = []
        heard: set[UUID] = set()
        for event in (self.happened[place] for place in self.telling):
            if isinstance(event, SaleRefunded) and event.sale_id not in heard:
                told.append(sales[event.sale_id])
            told.append(event)
            if isinstance(event, SaleRecorded | SaleRefunded):
                heard.add(event.sale_id)
        return told

    def among_others(self) -> "Story":
        """Return the same story of other customers, who have no history."""
        salt = uuid4()
        return replace(self, happened=tuple(_renamed(event, salt) for event in self.happened))

    @property
    def sales(self) -> list[SaleRecorded]:
        return [e for e in self.happened if isinstance(e, SaleRecorded)]

    @property
    def customers(self) -> list[UUID]:
        """Return who has lines of her own, or has joined."""
        buyers = {line.customer_id for event in self.sales for line in event.lines if line.customer_id}
        return sorted(buyers | {e.customer_id for e in self.happened if isinstance(e, Joining)})

    def net(self, of: SaleRecorded, who: UUID) -> int:
        return sum(line.net_minor for line in of.lines if line.customer_id == who)

    def left(self, of: SaleRecorded, who: UUID) -> int:
        back = [e for e in self.happened if isinstance(e, SaleRefunded) and e.sale_id == of.sale_id]
        given = sum(line.refunded_minor for event in back for line in event.lines if line.customer_id == who)
        return self.net(of, who) - given

    def own(self, who: UUID) -> list[SaleRecorded]:
        """Return the receipts on which she has lines, in their order."""
        mine = [e for e in self.sales if any(line.customer_id == who for line in e.lines)]
        return sorted(mine, key=lambda e: e.order)

    def joined(self, who: UUID) -> str | None:
        """Return the earliest joining that is told of her."""
        return min(
            (e.joined_order for e in self.happened if isinstance(e, Joining) and e.customer_id == who), default=None
        )


def _renamed(event: Told, salt: UUID) -> Told:
    if isinstance(event, Joining | TraitTold):
        return event.model_copy(update={"customer_id": uuid5(salt, str(event.customer_id))})
    lines = [
        line.model_copy(update={"customer_id": uuid5(salt, str(line.customer_id))}) if line.customer_id else line
        for line in event.lines
    ]
    return event.model_copy(update={"lines": tuple(lines)})


AMOUNTS = st.sampled_from([-2500, -1, 0, 1, 99, 100, 4950, 9999, 10000, 10001, 20050]) | st.integers(-3000, 60000)


@st.composite
def stories(draw: st.DrawFn, *, with_joinings: bool) -> Story:
    """Return stories of up to three customers and nobody, whose receipts are close in time or days apart."""
    whose = st.sampled_from([None, *(customer(number) for number in range(3))])
    happened: list[Told] = []
    for number in range(draw(st.integers(1, 7))):
        at = FIRST_DAY + timedelta(days=draw(st.sampled_from([0, 0, 1, 9, 20])), seconds=draw(st.integers(0, 1)))
        lines = draw(st.lists(st.tuples(whose, AMOUNTS), min_size=1, max_size=3))
        sold = sale(str(number), *lines, at=at, till=draw(st.sampled_from(["TOR1-1", "TOR1-2"])))
        happened += [sold, *_refunds(draw, sold)]
    if with_joinings:
        happened += _joinings(draw, [e for e in happened if isinstance(e, SaleRecorded)])
    again = draw(st.lists(st.integers(0, len(happened) - 1), max_size=6))
    telling = draw(st.permutations([*range(len(happened)), *again]))
    return Story(tuple(happened), tuple(telling))


def _refunds(draw: st.DrawFn, sold: SaleRecorded) -> list[SaleRefunded]:
    left = {line.line: line.net_minor for line in sold.lines if line.net_minor > 0}
    refunds = []
    for after in range(draw(st.integers(0, 2)) if left else 0):
        line = draw(st.sampled_from(sorted(left)))
        if left[line]:
            back = draw(st.integers(1, left[line]))
            left[line] -= back
            refunds.append(refund(sold, (line, back, left[line]), at=sold.at + timedelta(hours=after + 1)))
    return refunds


def _joinings(draw: st.DrawFn, sales: Sequence[SaleRecorded]) -> list[Joining]:
    told: list[Joining] = []
    for who in sorted({line.customer_id for e in sales for line in e.lines if line.customer_id}):
        mine = sorted((e for e in sales if any(line.customer_id == who for line in e.lines)), key=lambda e: e.order)
        chosen = draw(st.lists(st.sampled_from(mine), unique_by=lambda e: e.order, max_size=3))
        latest_first = sorted(chosen, key=lambda e: e.order, reverse=True)
        told += [joining(e, who, moved=place > 0) for place, e in enumerate(latest_first)]
    return told
