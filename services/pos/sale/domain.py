"""A sale: one receipt, and what is left of it after refunds. Pure; amounts are minor units before tax."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import Currency, Minor
from contracts.pos import Payment, RefundedLine, SaleLine, SaleRecorded, SaleRefunded
from shared.errors import Rejected
from shared.message import Command
from shared.replacing import replace

SHAPE = 1

SaleEvent = SaleRecorded | SaleRefunded


class GivenBack(BaseModel):
    """How much of a line is given back."""

    model_config = ConfigDict(frozen=True)

    line: int
    amount_minor: Annotated[Minor, Field(gt=0)]


class RecordSale(Command):
    """Record a closed receipt. `on` is the branch's local day, `chain_currency` what the chain counts in."""

    sale_id: UUID
    branch: str
    till: str
    number: str
    zone: str
    on: date
    currency: Currency
    chain_currency: Currency
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...] = ()
    tax_minor: Minor = 0


class RefundSale(Command):
    """Give back a part of a receipt. `till` is the one that gives back, `on` its local day."""

    sale_id: UUID
    branch: str
    till: str
    zone: str
    on: date
    currency: Currency
    lines: tuple[GivenBack, ...]


@dataclass(frozen=True)
class LineLeft:
    """What is left of a line."""

    left_minor: int
    customer_id: UUID | None = None


@dataclass(frozen=True)
class Sale:
    """What a refund must know of a receipt; lines count from 1."""

    sold_at: datetime
    sold_on: date
    number: str
    currency: str
    left_minor: int
    lines: tuple[LineLeft, ...]


initial: Sale | None = None


def decide(command: RecordSale | RefundSale, sale: Sale | None) -> Sequence[SaleEvent]:
    """Return what the command causes; refuse a receipt below zero, a second one, and refunds of more than is left."""
    match command:
        case RecordSale():
            return [_recorded(command, sale)]
        case RefundSale():
            return [_refunded(command, sale)]
        case _:
            assert_never(command)


def _recorded(command: RecordSale, sale: Sale | None) -> SaleRecorded:
    net = sum(line.net_minor for line in command.lines)
    if sale is not None:
        raise Rejected("receipt-reused")
    if command.currency != command.chain_currency:
        raise Rejected("currency-mismatch", currency=command.currency, wanted=command.chain_currency)
    if net < 0:
        raise Rejected("receipt-negative", net_minor=net)
    return SaleRecorded(
        at=command.at,
        sale_id=command.sale_id,
        branch=command.branch,
        till=command.till,
        number=command.number,
        zone=command.zone,
        on=command.on,
        currency=command.currency,
        lines=command.lines,
        payments=command.payments,
        net_minor=net,
        tax_minor=command.tax_minor,
    )


def _refunded(command: RefundSale, sale: Sale | None) -> SaleRefunded:
    if sale is None:
        raise Rejected("sale-unknown")
    if command.currency != sale.currency:
        raise Rejected("currency-mismatch", currency=command.currency, wanted=sale.currency)
    lines = _given_back(command.lines, sale)
    refunded = sum(line.refunded_minor for line in lines)
    if refunded > sale.left_minor:
        raise Rejected("refund-beyond-receipt", wanted_minor=refunded, left_minor=sale.left_minor)
    return SaleRefunded(
        at=command.at,
        sale_id=command.sale_id,
        branch=command.branch,
        till=command.till,
        number=sale.number,
        sold_at=sale.sold_at,
        sold_on=sale.sold_on,
        zone=command.zone,
        on=command.on,
        currency=command.currency,
        lines=lines,
        refunded_minor=refunded,
    )


def _given_back(wanted: Sequence[GivenBack], sale: Sale) -> tuple[RefundedLine, ...]:
    left = dict(enumerate(sale.lines, start=1))
    given = []
    for one in wanted:
        if one.line not in left:
            raise Rejected("line-unknown", line=one.line)
        line = left[one.line]
        if one.amount_minor > line.left_minor:
            raise Rejected(
                "refund-beyond-line", line=one.line, wanted_minor=one.amount_minor, left_minor=max(0, line.left_minor)
            )
        left[one.line] = line = replace(line, left_minor=line.left_minor - one.amount_minor)
        given.append(
            RefundedLine(
                line=one.line,
                customer_id=line.customer_id,
                refunded_minor=one.amount_minor,
                left_minor=line.left_minor,
            )
        )
    return tuple(given)


def evolve(sale: Sale | None, event: SaleEvent) -> Sale:
    """Return what is left of the receipt after the event."""
    match event:
        case SaleRecorded():
            return Sale(
                sold_at=event.at,
                sold_on=event.on,
                number=event.number,
                currency=event.currency,
                left_minor=event.net_minor,
                lines=tuple(LineLeft(line.net_minor, line.customer_id) for line in event.lines),
            )
        case SaleRefunded():
            assert sale is not None
            lines = list(sale.lines)
            for line in event.lines:
                lines[line.line - 1] = replace(lines[line.line - 1], left_minor=line.left_minor)
            return replace(sale, left_minor=sale.left_minor - event.refunded_minor, lines=tuple(lines))
        case _:
            assert_never(event)
