"""Points whose time is over expire, and it is said beforehand that they will. Pure."""

from itertools import groupby
from uuid import UUID

from contracts.loyalty_points import ExpiryNoticed, PointsExpired
from services.loyalty_points.domain.lots import Lot, is_alive, total
from services.loyalty_points.domain.page import Ledger, Page
from shared.message import Command, Instant


class ExpirePoints(Command):
    """Let lots expire whose time is over; those that are brought, there may be more."""

    customer_id: UUID
    ledger: Ledger | None = None  # brought by guards.gather


class NoticeExpiry(Command):
    """Say that points will expire in so many days."""

    customer_id: UUID
    expires_at: Instant
    days: int
    is_due: bool = False  # brought by guards.gather: it has not been said or passed over before,
    ledger: Ledger | None = None  # and the holds that have lapsed


def expire(_command: ExpirePoints, page: Page) -> None:
    """Expire what is left of the lots, an entry for each instant at which some were over."""
    over = [lot for lot in page.lots.values() if lot.rest > 0 and not is_alive(lot.expires_at, page.now)]
    for expires_at, lots in groupby(sorted(over, key=_by_expiry), key=lambda lot: lot.expires_at):
        assert expires_at
        parts = tuple(lot.part(lot.rest) for lot in lots)
        page.tell(
            PointsExpired(
                at=expires_at,
                customer_id=page.customer_id,
                points=total(parts),
                lots=parts,
                expires_at=expires_at,
                balance=0,
                debt=page.account.debt,
            )
        )


def _by_expiry(lot: Lot) -> tuple[float, float, UUID]:
    return lot.expires_at.timestamp() if lot.expires_at else 0, lot.earned_at.timestamp(), lot.lot_id


def notice(command: NoticeExpiry, page: Page) -> None:
    """Say how many will expire then; nothing of nothing, and nothing when it has happened."""
    points = dict(page.account.expiring(page.now)).get(command.expires_at, 0)
    if command.is_due and points:
        page.tell(
            ExpiryNoticed(
                at=command.at,
                customer_id=command.customer_id,
                points=points,
                expires_at=command.expires_at,
                days=command.days,
                balance=0,
                debt=page.account.debt,
            )
        )
