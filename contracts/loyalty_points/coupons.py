"""What becomes of a coupon. It is one customer's; a lock in somebody's checkout is nobody else's news."""

from enum import StrEnum
from uuid import UUID

from contracts.money import Whole
from shared.message import Event, Instant


class CouponKind(StrEnum):
    """What a coupon is good for; a list that may grow: who is older than a value reads `unknown`."""

    MONEY_OFF = "money-off"
    PERCENT = "percent"
    FREE_ITEM = "free-item"
    BUY_GET = "buy-get"
    GIFT = "gift"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "CouponKind | None":
        return cls.UNKNOWN if isinstance(value, str) else None


class CouponIssued(Event):
    """A customer has a coupon, good from `active_from` to `expires_at` (null: for ever), by the offer's version."""

    customer_id: UUID
    coupon_id: UUID
    offer: str
    offer_version: Whole
    kind: CouponKind
    active_from: Instant
    expires_at: Instant | None = None
    source: str = ""


class CouponRedeemed(Event):
    """A basket was paid with the coupon's help."""

    customer_id: UUID
    coupon_id: UUID
    offer: str
    basket_id: UUID


class CouponRolledBack(Event):
    """The basket was undone, and the coupon is as it was before; its time goes on."""

    customer_id: UUID
    coupon_id: UUID
    offer: str
    basket_id: UUID


class CouponExpired(Event):
    """The coupon's time was over at `at`, and it had not been redeemed."""

    customer_id: UUID
    coupon_id: UUID
    offer: str


class CouponVoided(Event):
    """Somebody took the coupon back; `reason` is a code, never a sentence about somebody."""

    customer_id: UUID
    coupon_id: UUID
    offer: str
    reason: str
