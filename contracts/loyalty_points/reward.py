"""A reward as an entry of the ledger names it."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.money import Minor, Whole


class RewardKind(StrEnum):
    """What a reward is; a list that may grow: who is older than a value reads `unknown`."""

    GIFT = "gift"
    SERVICE = "service"
    MONEY_OFF = "money-off"
    COUPON = "coupon"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "RewardKind | None":
        return cls.UNKNOWN if isinstance(value, str) else None


class RewardBought(BaseModel):
    """What was bought: the reward's code, the version of its description, and at which branch.

    `amount_minor` is what a money-off takes off, in the chain's currency. `coupon_id` is the coupon of `offer` that was
    issued with it, and is voided when it is given back.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    version: Whole
    kind: RewardKind
    branch: str
    amount_minor: Minor | None = None
    offer: str | None = None
    coupon_id: UUID | None = None
