"""What an item orders, once it is known who is meant and where it came from. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.pos import LineKind, Payment, SaleLine
from services.pos.intake.items import Item
from services.pos.intake.people import People, name_at
from services.pos.intake.said import (
    CheckInItem,
    CheckInSaid,
    Person,
    PointsItem,
    PointsSaid,
    RefundItem,
    SaleItem,
    SaleSaid,
    people_of,
)
from services.pos.sale.domain import GivenBack, RecordSale, RefundSale
from services.pos.spending.domain import RecordSpending
from services.pos.visit.domain import CheckIn, visit_id


@dataclass(frozen=True)
class Place:
    """Where a branch is, and what its chain counts in."""

    branch: str
    zone: str
    currency: str


def unknown_person(item: Item, branch: str, people: People) -> str | None:
    """Return the code with which the vault knows nobody by a name that the item gives."""
    names = [name_at(branch, person) for person in people_of(item.said)] if item.said else []
    return next((people[name].code for name in names if name in people and people[name].code), None)


def order(item: Item, place: Place, people: People) -> RecordSale | RecordSpending | CheckIn:
    """Return what any item but a refund orders; everybody it names is in `people`."""
    match item.said:
        case SaleItem(data=sale):
            return _record(item, sale, place, people)
        case PointsItem(data=spent, occurred_at=at):
            return _spent(item, spent, at, place, people)
        case CheckInItem(data=CheckInSaid(customer=customer), occurred_at=at):
            assert item.seq is not None
            return CheckIn(
                at=at,
                visit_id=visit_id(place.branch, item.till, item.seq),
                branch=place.branch,
                till=item.till,
                zone=place.zone,
                on=at.astimezone(ZoneInfo(place.zone)).date(),
                customer_id=_customer(customer, place, people),
            )
        case _:
            raise AssertionError("a refund is not ordered by itself")


def order_refund(item: Item, place: Place) -> RefundSale:
    """Return what a refund orders."""
    assert isinstance(item.said, RefundItem)
    assert item.sale is not None
    at, refund = item.said.occurred_at, item.said.data
    return RefundSale(
        at=at,
        sale_id=item.sale,
        branch=place.branch,
        till=item.till,
        zone=place.zone,
        on=at.astimezone(ZoneInfo(place.zone)).date(),
        currency=refund.currency,
        lines=tuple(GivenBack(line=back.line, amount_minor=back.amount_minor) for back in refund.lines),
    )


def _record(item: Item, sale: SaleSaid, place: Place, people: People) -> RecordSale:
    assert item.said is not None
    assert item.sale is not None
    at = item.said.occurred_at
    return RecordSale(
        at=at,
        sale_id=item.sale,
        branch=place.branch,
        till=item.till,
        number=sale.receipt,
        zone=place.zone,
        on=at.astimezone(ZoneInfo(place.zone)).date(),
        currency=sale.currency,
        chain_currency=place.currency,
        lines=tuple(_lines(sale, place, people)),
        payments=tuple(Payment(method=paid.method, amount_minor=paid.amount_minor) for paid in sale.payments),
        tax_minor=sale.tax_minor,
    )


def _spent(item: Item, spent: PointsSaid, at: datetime, place: Place, people: People) -> RecordSpending:
    customer_id = _customer(spent.customer, place, people)
    assert item.spending
    assert customer_id
    return RecordSpending(
        at=at,
        spending_id=item.spending,
        branch=place.branch,
        till=item.till,
        number=spent.receipt,
        zone=place.zone,
        on=at.astimezone(ZoneInfo(place.zone)).date(),
        customer_id=customer_id,
        points=spent.points,
    )


def _lines(sale: SaleSaid, place: Place, people: People) -> list[SaleLine]:
    return [
        SaleLine(
            line=n,
            code=line.code,
            name=line.name,
            kind=LineKind(line.kind),
            staff=line.staff,
            quantity=line.quantity,
            list_minor=line.list_minor,
            net_minor=line.net_minor,
            customer_id=_customer(sale.customer_of(line), place, people),
        )
        for n, line in enumerate(sale.lines, start=1)
    ]


def _customer(person: Person | None, place: Place, people: People) -> UUID | None:
    return None if person is None else people[name_at(place.branch, person)].customer_id
