"""What the oracle of the ledger writes down: lots, holds, receipts. Whole points, minor units."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

Parts = list[tuple[UUID, int]]
FAR = datetime.max.replace(tzinfo=UTC)


@dataclass
class OracleLot:
    """A lot; `rest` can be spent while it is alive, `expired` was left when it was over."""

    lot_id: UUID
    earned_at: datetime
    active_from: datetime | None
    expires_at: datetime | None
    rest: int
    expired: int = 0

    def order(self) -> tuple[datetime, datetime, UUID]:
        return self.expires_at or FAR, self.earned_at, self.lot_id


@dataclass
class OracleHold:
    """A hold and the lots it drew on."""

    points: int
    lasts: timedelta
    until: datetime
    parts: Parts
    how: str | None = None
    captured: int = 0


@dataclass
class OracleReceipt:
    """A receipt: what it was worth, and what refunds left of it, in minor units; a point for each hundred."""

    sale: int
    lot_id: UUID
    sold_at: datetime
    net: int
    left: int
    has_earned: bool = False
