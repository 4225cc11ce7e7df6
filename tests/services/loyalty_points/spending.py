"""A customer at the desk, in memory: what she does with her points, and what she is refused."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from contracts.loyalty_points import (
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
)
from services.loyalty_points.domain import (
    AccountCommand,
    CapturePoints,
    ForgiveDebt,
    HoldPoints,
    RedeemPoints,
    ReleaseHold,
)
from services.loyalty_points.lifetime import AfterDays
from services.loyalty_points.terms import Terms
from shared.errors import Rejected
from shared.message import Event
from tests.services.loyalty_points.books import Books
from tests.services.stories import customer, joining, sale

MEI = customer(1)
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, SECOND, THIRD = (sale(str(n), (MEI, 1_000), at=MONDAY + n * DAY) for n in range(3))
BASKET, OTHER = uuid5(MEI, "basket"), uuid5(MEI, "other")


def with_points(terms: Terms | None = None) -> Books:
    """Return the books of a member with three lots of ten points, which are over on three days in a row."""
    books = Books(now=MONDAY + 3 * DAY, terms=terms or Terms(expiry=AfterDays(days=9)))
    return books.hear([joining(FIRST, MEI), THIRD, SECOND, FIRST])


def told(books: Books, command: AccountCommand) -> Event:
    (event,) = books.handle(command)
    return event


def hold(books: Books, points: int, hold_id: UUID = BASKET, lasts: timedelta = DAY) -> HoldPoints:
    return HoldPoints(at=books.now, customer_id=MEI, hold_id=hold_id, points=points, until=books.now + lasts)


def capture(books: Books, points: int, hold_id: UUID = BASKET) -> CapturePoints:
    return CapturePoints(at=books.now, customer_id=MEI, hold_id=hold_id, points=points)


def release(books: Books, hold_id: UUID = BASKET) -> ReleaseHold:
    return ReleaseHold(at=books.now, customer_id=MEI, hold_id=hold_id)


def redeem(books: Books, points: int, redemption_id: UUID = BASKET) -> RedeemPoints:
    return RedeemPoints(at=books.now, customer_id=MEI, redemption_id=redemption_id, points=points)


def forgive(books: Books, points: int) -> ForgiveDebt:
    name = uuid5(MEI, f"forgiven {points}")
    return ForgiveDebt(at=books.now, customer_id=MEI, forgiveness_id=name, points=points, reason="our-mistake")


def refused(books: Books, command: AccountCommand, code: str) -> Rejected:
    before = (dict(books.accounts), dict(books.holds), {who: dict(lots) for who, lots in books.lots.items()})
    with pytest.raises(Rejected) as refusal:
        books.handle(command)
    assert refusal.value.code == code
    assert (books.accounts, books.holds, books.lots) == before
    return refusal.value


def available(books: Books) -> int:
    return books.accounts[MEI].available(books.now)


def days_and_points(event: Event) -> list[tuple[int, int]]:
    """Return of which day's lot how many points were drawn."""
    assert isinstance(event, PointsHeld | PointsRedeemed | PointsExpired)
    return [(part.on.day, part.points) for part in event.lots]
