"""Why a figure is what it is: the postings that make it, each with its event, lot and receipt. Pure; whole points."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty_points.domain import ReceiptNoted
from services.loyalty_points.domain.foresight import with_lapses
from services.loyalty_points.domain.hindsight import Hindsight, Posting
from services.loyalty_points.domain.known import Known
from services.loyalty_points.domain.passing import seen as seen_by

Receipts = Mapping[UUID, ReceiptNoted]


def explained(told: Sequence[Known], figure: str, as_of: datetime, who: UUID | None = None) -> dict[str, Any]:
    """Return a figure of FIGURES as it stood at an instant, and its parts, whose points add up to it."""
    seen = seen_by(with_lapses(told, as_of, who), who)
    receipts = receipts_of(told)
    parts = sorted(seen.parts(figure, as_of), key=lambda part: part.at)
    return {
        "figure": figure,
        "points": seen.figure(figure, as_of),
        "parts": [_part(one, seen, receipts) for one in parts],
    }


def receipts_of(told: Iterable[Known]) -> Receipts:
    """Return the receipts that are known by their sale."""
    return {known.event.sale_id: known.event for known in told if isinstance(known.event, ReceiptNoted)}


def receipt_of(known: Known, receipts: Receipts) -> dict[str, Any] | None:
    """Return the paper that an event is about; nothing of one that is about none."""
    noted = receipts.get(getattr(known.event, "sale_id", None) or UUID(int=0))
    if noted is None:
        return None
    return {"sale_id": noted.sale_id, "branch": noted.branch, "till": noted.till, "number": noted.number}


def _part(part: Posting, seen: Hindsight, receipts: Receipts) -> dict[str, Any]:
    return {
        "points": part.points,
        "from": part.at,
        "event": _event(part.known, receipts),
        "lot": _lot(part.lot_id, seen, receipts) if part.lot_id else None,
        "hold_id": part.hold_id,
        "moved_by": _event(part.moved_by, receipts) if part.moved_by else None,
    }


def _event(known: Known, receipts: Receipts) -> dict[str, Any]:
    """Return an event as it is named; one without an id is what time will do."""
    return {
        "id": known.id,
        "name": known.event.name,
        "at": known.event.at,
        "recorded_at": known.recorded_at,
        "branch": getattr(known.event, "branch", None),
        "policy_version": getattr(known.event, "policy_version", None),
        "receipt": receipt_of(known, receipts),
    }


def _lot(lot_id: UUID, seen: Hindsight, receipts: Receipts) -> dict[str, Any]:
    lot, earning = seen.lots[lot_id], seen.earnings[lot_id]
    return {
        "lot_id": lot_id,
        "origin": lot.origin,
        "branch": lot.branch,
        "on": lot.on,
        "active_from": lot.active_from,
        "expires_at": lot.expires_at,
        "earned_by": earning.id,
        "policy_version": getattr(earning.event, "policy_version", None),
        "receipt": receipt_of(earning, receipts),
    }
