"""What membership's rules must know of a customer beside her own stream. Pure; amounts are minor units before tax."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.membership.terms import PRESET, Terms
from shared.replacing import replace


@dataclass(frozen=True)
class Standing:
    """What guards.gather knows of a customer at `now`. Spend is that of the window, without the receipt at hand.

    `joining` holds at the receipt's time, `terms` now. `gain_leaves_at`, `loss_leaves_at`: when the next receipt that
    counts for her, or against her, leaves the window. `left`: the receipt's lines, None when it has not been heard.
    """

    now: datetime
    terms: Terms = PRESET
    policy_version: int = 0
    joining: Terms = PRESET
    joining_version: int = 0
    spend_minor: int = 0
    gain_leaves_at: datetime | None = None
    loss_leaves_at: datetime | None = None
    sold_at: datetime | None = None
    left: Mapping[int, int] | None = None

    def counting(self, sold_at: datetime, left_minor: int) -> "Standing":
        """Return the standing with the receipt at hand counted in."""
        if sold_at <= self.now - self.terms.window:
            return self
        counted = replace(self, spend_minor=self.spend_minor + left_minor)
        leaves_at = sold_at + self.terms.window
        if left_minor > 0:
            return replace(counted, gain_leaves_at=min(leaves_at, self.gain_leaves_at or leaves_at))
        if left_minor < 0:
            return replace(counted, loss_leaves_at=min(leaves_at, self.loss_leaves_at or leaves_at))
        return counted
