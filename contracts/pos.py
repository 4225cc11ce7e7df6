"""What the tills' service says: the chain, its branches and tills, sales, refunds, points spent, visits, and gaps.

A sale's stream and key are its receipt (branch, till, number): a sale and its refunds come in order, no two sales do.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from contracts.money import Currency, Minor, Points, Whole
from shared.message import Event, Instant

_SALES = UUID("6f4b4a55-29b0-5f0e-9a52-0d4d5c1c7a01")
_SPENDINGS = UUID("6f4b4a55-29b0-5f0e-9a52-0d4d5c1c7a06")


def sale_id(branch: str, till: str, number: str) -> UUID:
    """Return the id of the sale on a receipt: the same wherever it is worked out."""
    return uuid5(_SALES, f"{branch}/{till}/{number}")


def spending_id(branch: str, till: str, number: str) -> UUID:
    """Return the id of the points that were spent on a receipt: the same wherever it is worked out."""
    return uuid5(_SPENDINGS, f"{branch}/{till}/{number}")


def receipt_order(at: Instant, till: str, number: str) -> str:
    """Return a text by which receipts sort: by their time, then their number (digits by value), then their till."""
    return f"{at.isoformat(timespec='microseconds')}|{number.zfill(24)}|{till}"


def _by_customer(lines: Iterable[tuple[UUID | None, int, int]]) -> dict[UUID, dict[int, int]]:
    own: dict[UUID, dict[int, int]] = defaultdict(dict)
    for customer_id, line, amount_minor in lines:
        if customer_id:
            own[customer_id][line] = amount_minor
    return dict(own)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Kind(StrEnum):
    """A list that may grow: a reader that is older than a value reads `unknown`, and nobody says that."""

    @classmethod
    def _missing_(cls, value: object) -> "_Kind | None":
        return cls["UNKNOWN"] if isinstance(value, str) else None


class LineKind(_Kind):
    """What a line of a receipt sells; an adjustment sells nothing."""

    SERVICE = "service"
    PRODUCT = "product"
    ADJUSTMENT = "adjustment"
    UNKNOWN = "unknown"


class TillKind(_Kind):
    """How a till comes by its sequence: a counter of its own, or the receipt numbers of an export."""

    TILL = "till"
    IMPORT = "import"
    UNKNOWN = "unknown"


class SaleLine(_Part):
    """A line, counted from 1. Amounts are before tax, perhaps negative: `net` is charged, `list` the listed price."""

    line: Whole
    code: str
    name: str
    kind: LineKind
    staff: str | None = None
    quantity: Whole
    list_minor: Minor
    net_minor: Minor
    customer_id: UUID | None = None


class Payment(_Part):
    """A part of what was paid, tax included."""

    method: str
    amount_minor: Minor


class RefundedLine(_Part):
    """What was given back on a line now (positive), and what is left of the line's net amount after it."""

    line: Whole
    customer_id: UUID | None = None
    refunded_minor: Minor
    left_minor: Minor


class ChainDescribed(Event):
    """The chain's name, and the one currency of this cell."""

    chain: str
    currency: Currency


class BranchDescribed(Event):
    """A branch opened, or was described anew. `zone` is an IANA time zone."""

    branch: str
    title: str
    zone: str
    region: str


class TillRegistered(Event):
    """A till may send from now on."""

    branch: str
    till: str
    kind: TillKind


class TillGapOpened(Event):
    """A till's sequence jumped: `first` to `last` have not come yet."""

    branch: str
    till: str
    first: Whole
    last: Whole


class TillGapClosed(Event):
    """All that was missing from `first` to `last` has come."""

    branch: str
    till: str
    first: Whole
    last: Whole


class TillFlagged(Event):
    """A till used a sequence number twice, for different things."""

    branch: str
    till: str
    seq: Whole
    code: str


class ItemParked(Event):
    """Something a till sent was set aside, and why; its body is kept in the vault."""

    branch: str
    till: str
    seq: Whole | None
    code: str


class SaleRecorded(Event):
    """A receipt was closed. `on` is the branch's local day; `net_minor` is the sum of the lines, before `tax_minor`."""

    sale_id: UUID
    branch: str
    till: str
    number: str
    zone: str
    on: date
    currency: Currency
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...] = ()
    net_minor: Minor
    tax_minor: Minor = 0

    @property
    def order(self) -> str:
        """Return the text by which receipts sort."""
        return receipt_order(self.at, self.till, self.number)

    def lines_by_customer(self) -> dict[UUID, dict[int, int]]:
        """Return what each customer's own lines are worth: line number to net amount. Lines of nobody are left out."""
        return _by_customer((line.customer_id, line.line, line.net_minor) for line in self.lines)


class SaleRefunded(Event):
    """A part of a sale was given back. `sold_at`, `sold_on` and `number` are the sale's; `on` is the refund's day."""

    sale_id: UUID
    branch: str
    till: str
    number: str
    sold_at: Instant
    sold_on: date
    zone: str
    on: date
    currency: Currency
    lines: tuple[RefundedLine, ...]
    refunded_minor: Minor

    def lines_left_by_customer(self) -> dict[UUID, dict[int, int]]:
        """Return what is left of each customer's own lines in it: line number to net amount."""
        return _by_customer((line.customer_id, line.line, line.left_minor) for line in self.lines)


class PointsSpentAtTill(Event):
    """A till let a customer spend points on a receipt, perhaps while it was offline; once for each receipt."""

    spending_id: UUID
    branch: str
    till: str
    number: str
    zone: str
    on: date
    customer_id: UUID
    points: Points


class VisitCheckedIn(Event):
    """Somebody came in."""

    visit_id: UUID
    branch: str
    till: str
    zone: str
    on: date
    customer_id: UUID | None = None


EVENTS = (
    ChainDescribed,
    BranchDescribed,
    TillRegistered,
    TillGapOpened,
    TillGapClosed,
    TillFlagged,
    ItemParked,
    SaleRecorded,
    SaleRefunded,
    PointsSpentAtTill,
    VisitCheckedIn,
)
