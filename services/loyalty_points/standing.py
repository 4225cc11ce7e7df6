"""An account's figures: as they stand, and as they stood or will stand at an instant. Pure; whole points."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty_points.domain import Account, EarningStarted
from services.loyalty_points.domain.foresight import with_lapses
from services.loyalty_points.domain.hindsight import FIGURES
from services.loyalty_points.domain.known import Known
from services.loyalty_points.domain.passing import seen as seen_by


def standing(account: Account, now: datetime) -> dict[str, Any]:
    """Return what stands; points whose time is over have expired, though it may have to be told yet."""
    since = (account.member_since, *(other.member_since for other in account.others))
    stands, soonest = account.as_of(now), next(iter(account.expiring(now)), None)
    return {
        "balance": account.available(now),
        "available": account.available(now),
        "pending": account.waiting(now),
        "reserved": account.reserved(now),
        "debt": stands.debt,
        "next_expiry": {"at": soonest.expires_at, "points": soonest.points} if soonest else None,
        "earned": account.earned,
        "taken_back": account.taken_back,
        "redeemed": account.redeemed,
        "expired": account.expired + account.over(now),
        "forgiven": account.forgiven,
        "member_since": min((at for at in since if at), default=None),
    }


def stood(told: Sequence[Known], as_of: datetime, who: UUID | None = None) -> dict[str, Any]:
    """Return what stood by when things happened, of what is known; of an instant to come, what will if nothing does.

    An earning of Monday that was booked on Wednesday stands on Tuesday, unless only what was known on Tuesday is told.
    What was owed stands beside what was available where the ledger heard of the debt only after that had been spent.
    """
    seen = seen_by(with_lapses(told, as_of, who), who)
    figures: dict[str, Any] = {figure: seen.figure(figure, as_of) for figure in FIGURES}
    soonest = seen.next_expiry(as_of)
    joined = {known.event.customer_id: known.event.at for known in told if isinstance(known.event, EarningStarted)}
    since = min((at for at in joined.values() if at <= as_of), default=None)
    return figures | {
        "balance": figures["available"],
        "next_expiry": {"at": soonest, "points": figures["next_expiry"]} if soonest else None,
        "member_since": since,
    }
